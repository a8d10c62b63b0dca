.PHONY: help
help:
	@echo "make demo | test | test-all | check"
