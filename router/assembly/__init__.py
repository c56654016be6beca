"""The parts that `router.app` puts together: what needs several floors at once, one part a file.

from the configuration   processing, profiles        what each source's events go through, and whose they are
at work                  destinations, sources,      an actor for each section, started, changed over, retired
                         webhooks, diversions
around them              containment, trying         what plugins may not do, and how one is tried
while it runs            reload, preview, drain,     changes, what they would do, and when all is done
                         progress
at the doors             front, desk                 what clients reach, and what the owner asks
"""
