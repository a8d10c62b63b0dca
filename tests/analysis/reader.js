// What a reader does with the report, in the page itself; the outcome is JSON in #outcome.
addEventListener("load", () => {
  const out = { errors: window.problems };
  const find = (query) => [...document.querySelectorAll(query)];
  const column = (title) => find("#table thead button").findIndex((b) => b.textContent.startsWith(title)) + 1;
  const cells = (title) => find("#table tbody tr").map((row) => row.cells[column(title)].textContent);
  const button = (title) => find("#table thead button").find((b) => b.textContent.startsWith(title));
  out.images = find("figure img").map((i) => i.complete && i.naturalWidth > 0 && i.offsetHeight > 100);
  out.unsorted = cells("ADC resolution");
  button("ADC resolution").click();
  out.ascending = cells("ADC resolution");
  button("ADC resolution").click();
  out.descending = cells("ADC resolution");
  button("Accuracy").click();
  out.best = cells("Accuracy").map((text) => parseFloat(text));
  const box = find("#table input[type=search]")[column("ADC resolution") - 1];
  box.value = ">= 6"; box.dispatchEvent(new Event("input"));
  out.filtered = cells("ADC resolution");
  find("#clear")[0].click();
  const memory = find("#table input[type=search]")[column("Memory") - 1];
  memory.value = "sra"; memory.dispatchEvent(new Event("input"));
  out.memory = cells("Memory");
  find("#clear")[0].click();
  out.cleared = cells("Memory").length;
  find("#table tbody tr")[0].click();
  setTimeout(() => {
    out.point = find("#point h2").map((h) => h.textContent);
    out.tables = find("#point table").length;
    out.wide = document.documentElement.scrollWidth <= window.innerWidth;
    document.getElementById("outcome").textContent = JSON.stringify(out);
  }, 50);
});
