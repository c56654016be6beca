"""The doors: tracking, pixel, settings, analytics.js, health. Thin: they read, ask the stages, and answer."""
