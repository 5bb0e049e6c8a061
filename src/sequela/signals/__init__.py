"""Signals as arrays: filters, quality, R peaks, heart rate. Pure functions: nothing here is fitted or knows a store."""
