"""From the outputs of the stages to tables, intervals, figures and a summary of a campaign."""
