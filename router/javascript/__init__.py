"""JavaScript inside the router: functions that are written for Segment run here as they are, on an embedded V8.

    isolate.py   a V8 of its own, with limits of time and memory       runtime.js   what functions find around them
    program.py   a function loaded, called and, after a limit, loaded anew
    function_destination.py, function_transformation.py, function_source.py   the kinds `function`
    source.js   what a source function finds besides

Nothing in here does I/O: `fetch` comes out of a call as data, and its answer goes back in.
The limits protect the router from mistakes. They are no wall: whoever writes functions
is trusted, as whoever writes plugins is.
"""
