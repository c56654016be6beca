// What a source function finds around itself beside the rest: `Segment`, which takes the calls that it makes, and the
// request as Segment hands it over. It comes to a function that is given the handlers, once the function's file is there.
(() => {
  "use strict";
  const { parse, stringify } = JSON;
  const made = new Map(); // calls by the job that made them
  const define = (name, value) =>
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });

  // --- what is made
  const wanted = (call, ...names) => {
    if (call === null || typeof call !== "object") throw new ValidationError("a call must be an object");
    for (const name of names)
      if (call[name] === undefined || call[name] === null || call[name] === "")
        throw new ValidationError(`${name} is required but not defined`);
  };
  const add = (type, call) => {
    const own = { ...parse(stringify(call)), type }; // as it is now, and nothing that JSON does not know
    made.get(__pointsman.job)?.push(own);
    return own;
  };
  const sender = (type, ...names) => (call) => {
    wanted(call, ...names); // whom it is about is judged as for every call: one without is refused alone
    return add(type, call);
  };
  define("Segment", {
    identify: sender("identify"),
    track: sender("track", "event"),
    page: sender("page"),
    screen: sender("screen"),
    group: sender("group", "groupId"),
    alias: sender("alias", "previousId"),
    set: sender("set", "collection", "id"),
  });

  // --- what came
  const sorted = (value) => {
    if (Array.isArray(value)) return value.map(sorted);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
  };
  const asRequest = ({ body, headers, url, isForm }) => ({
    headers: new Headers(headers),
    url: new URL(url),
    method: "POST",
    body,
    text() { return body; },
    json() { return isForm ? sorted(Object.fromEntries(new URLSearchParams(body))) : sorted(parse(body)); },
  });
  __pointsman.stopped = (id) => made.delete(id);
  return (handlers) => {
    const { onRequest } = handlers;
    if (!onRequest) return;
    handlers.onRequest = (given, settings) => {
      const job = __pointsman.job;
      const calls = [];
      made.set(job, calls);
      const end = () => made.delete(job);
      try {
        const running = onRequest(asRequest(given), settings);
        if (running !== null && typeof running === "object" && typeof running.then === "function")
          return running.then(() => { end(); return calls; }, (error) => { end(); throw error; });
      } catch (error) {
        end();
        throw error;
      }
      end();
      return calls;
    };
  };
})()
