"""For people who test what they build on the router: a running router, a fake service, a clock that obeys."""
