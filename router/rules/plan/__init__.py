"""Tracking plans: which events a source may send, what must be true of them, and what becomes of those that differ.

    plan file ──▶ reading ──▶ Plan of Rules ──▶ Checked (a quick check, and the library for the rest)
                                    │
                      Enforcement ──┴──▶ Judge: event ──▶ the event, changed or not, or the reason why it stops

Almost every event keeps to its plan, so the quick check comes first and accepts only what the schema accepts;
whatever it does not take is judged by the JSON-schema library, which also finds the violations. No I/O anywhere.
"""
