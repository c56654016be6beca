"""The conformance suite: what every destination promises, proved against a fake service, whatever it speaks to.

`promise` says what a promise is, `suite` lists them all; `specimen` makes an instance of a class from its sample, and
`lab` runs it in a router whose clock stands still and whose every request reaches the fake service and no other.
"""
