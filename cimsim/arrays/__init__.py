"""The array product: from integer codes through cells, column currents and ADC back to integers."""
