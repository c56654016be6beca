// What a function finds around itself: the globals that Segment documents, and the pump that the engine turns.
// Evaluated once, before the function's own file, whose line numbers stay its own.
(() => {
  "use strict";
  const CONSOLE_CHARACTERS = 4096;
  const BUFFER_BYTES = 32 * 1024 * 1024;
  const { parse, stringify } = JSON;
  const define = (name, value) =>
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });

  // What could block the thread, or take memory that V8 does not count.
  for (const name of ["Atomics", "SharedArrayBuffer", "WebAssembly"]) delete globalThis[name];
  let bufferBytes = 0;
  const counted = (constructor, size) =>
    new Proxy(constructor, {
      construct(target, args, self) {
        const first = args[0];
        const items = typeof first === "number" ? first : (first && (first.length ?? first.byteLength)) || 0;
        bufferBytes += first instanceof RealArrayBuffer ? 0 : items * size;
        if (bufferBytes > BUFFER_BYTES) throw new RangeError("Array buffer allocation failed");
        return Reflect.construct(target, args, self === proxies.get(target) ? target : self);
      },
    });
  const RealArrayBuffer = ArrayBuffer;
  const proxies = new Map();
  for (const name of ["ArrayBuffer", "Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array",
    "Int32Array", "Uint32Array", "Float16Array", "Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array"]) {
    const real = globalThis[name];
    const proxy = counted(real, real.BYTES_PER_ELEMENT ?? 1);
    proxies.set(real, proxy);
    real.prototype.constructor = proxy;
    define(name, proxy);
  }

  // --- errors that a function throws to say what becomes of its event
  for (const name of ["EventNotSupported", "InvalidEventPayload", "ValidationError", "RetryError", "DropEvent"]) {
    const made = { [name]: class extends Error {} }[name];
    made.prototype.name = name;
    define(name, made);
  }

  // --- console
  let written = "";
  const shown = (value) => {
    if (typeof value === "string") return value;
    if (value instanceof Error) return `${value.name}: ${value.message}`;
    try {
      return stringify(value) ?? String(value);
    } catch {
      return String(value);
    }
  };
  const log = (...values) => {
    if (written.length < CONSOLE_CHARACTERS)
      written = (written + values.map(shown).join(" ") + "\n").slice(0, CONSOLE_CHARACTERS);
  };
  define("console", { log, info: log, warn: log, error: log, debug: log, trace: log, dir: log });

  // --- text and bytes
  define("TextEncoder", class TextEncoder {
    encode(text = "") {
      const escaped = encodeURIComponent(String(text).toWellFormed());
      const bytes = [];
      for (let at = 0; at < escaped.length; at++)
        bytes.push(escaped[at] === "%" ? parseInt(escaped.slice(at + 1, (at += 2) + 1), 16) : escaped.charCodeAt(at));
      return Uint8Array.from(bytes);
    }
  });
  const encode = (text) => new TextEncoder().encode(text);
  const bytesOf = (value) =>
    typeof value === "string" ? encode(value)
      : value instanceof RealArrayBuffer ? new Uint8Array(value)
        : RealArrayBuffer.isView(value) ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
          : encode(String(value));
  define("TextDecoder", class TextDecoder {
    decode(value = new Uint8Array(0)) {
      const bytes = bytesOf(value);
      let text = "";
      for (let at = 0; at < bytes.length;) {
        const first = bytes[at++];
        let more = first < 0x80 ? 0 : first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2
          : first >= 0xf0 && first < 0xf5 ? 3 : -1;
        let code = more < 0 ? 0xfffd : more === 0 ? first : first & (0x3f >> more);
        for (; more > 0; more--) {
          if ((bytes[at] & 0xc0) !== 0x80) { code = 0xfffd; break; }
          code = (code << 6) | (bytes[at++] & 0x3f);
        }
        text += String.fromCodePoint(code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0xfffd : code);
      }
      return text;
    }
  });
  const decode = (bytes) => new TextDecoder().decode(bytes);
  const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const toBase64 = (bytes) => {
    let text = "";
    for (let at = 0; at < bytes.length; at += 3) {
      const bits = (bytes[at] << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
      const four = [bits >> 18, (bits >> 12) & 63, (bits >> 6) & 63, bits & 63].map((index) => LETTERS[index]);
      text += four.slice(0, Math.min(4, bytes.length - at + 1)).join("").padEnd(4, "=");
    }
    return text;
  };
  const fromBase64 = (text) => {
    const bytes = [];
    let bits = 0, count = 0;
    for (const letter of text.replace(/-/g, "+").replace(/_/g, "/").replace(/[=\s]/g, "")) {
      const index = LETTERS.indexOf(letter);
      if (index < 0) throw new Error("The string to be decoded is not correctly encoded.");
      bits = ((bits << 6) | index) & 0xffffff;
      if ((count += 6) >= 8) bytes.push((bits >> (count -= 8)) & 255);
    }
    return Uint8Array.from(bytes);
  };
  const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const toLatin = (bytes) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  const fromLatin = (text) => Uint8Array.from(text, (letter) => {
    const code = letter.charCodeAt(0);
    if (letter.length > 1 || code > 255) throw new Error("The string contains characters outside of Latin1.");
    return code;
  });
  const btoa = (text) => toBase64(fromLatin(String(text)));
  const atob = (text) => toLatin(fromBase64(String(text)));
  define("btoa", Object.assign(btoa, { btoa }));
  define("atob", Object.assign(atob, { atob }));
  const encoded = (bytes, encoding) => {
    switch (encoding) {
      case "hex": return toHex(bytes);
      case "base64": return toBase64(bytes);
      case "base64url": return toBase64(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
      case "latin1": case "binary": return toLatin(bytes);
      case undefined: case "utf8": case "utf-8": return decode(bytes);
    }
    throw new TypeError(`Unknown encoding: ${encoding}`);
  };
  const decoded = (value, encoding) => {
    if (typeof value !== "string") return bytesOf(Array.isArray(value) ? Uint8Array.from(value) : value);
    switch (encoding) {
      case "hex": return Uint8Array.from(value.match(/../g) ?? [], (pair) => parseInt(pair, 16));
      case "base64": case "base64url": return fromBase64(value);
      case "latin1": case "binary": return fromLatin(value);
    }
    return encode(value);
  };
  class Bytes {
    constructor(bytes) { this.bytes = bytes; }
    get length() { return this.bytes.length; }
    toString(encoding) { return encoded(this.bytes, encoding); }
  }
  define("Buffer", {
    from: (value, encoding) => new Bytes(value instanceof Bytes ? value.bytes : decoded(value, encoding)),
    byteLength: (value) => bytesOf(value).length,
    isBuffer: (value) => value instanceof Bytes,
  });

  // --- crypto: digests over bytes, as Node's createHash and createHmac give them
  const MASK64 = (1n << 64n) - 1n;
  const primes = [];
  for (let number = 2; primes.length < 80; number++) if (primes.every((prime) => number % prime)) primes.push(number);
  const root = (value, power) => { // the integer root, by bisection
    let low = 0n, high = value;
    while (low < high) {
      const middle = (low + high + 1n) >> 1n;
      if (middle ** power <= value) low = middle; else high = middle - 1n;
    }
    return low;
  };
  const fraction = (prime, power) => root(BigInt(prime) << (64n * power), power) & MASK64;
  let tables;
  const constants = () => (tables ??= {
    start512: primes.slice(0, 8).map((prime) => fraction(prime, 2n)),
    rounds512: primes.map((prime) => fraction(prime, 3n)),
    md5: Array.from({ length: 64 }, (_, index) => Math.floor(Math.abs(Math.sin(index + 1)) * 2 ** 32) | 0),
  });
  const padded = (bytes, block, littleEndian) => {
    const whole = new Uint8Array(Math.ceil((bytes.length + 1 + block / 8) / block) * block);
    whole.set(bytes);
    whole[bytes.length] = 0x80;
    const view = new DataView(whole.buffer);
    const bits = BigInt(bytes.length) * 8n;
    view.setBigUint64(whole.length - 8, bits, littleEndian);
    return view;
  };
  const wordsToBytes = (words, size, littleEndian) => {
    const view = new DataView(new ArrayBuffer(words.length * size));
    words.forEach((word, index) =>
      size === 8 ? view.setBigUint64(index * 8, word) : view.setInt32(index * 4, word, littleEndian));
    return new Uint8Array(view.buffer);
  };
  const turn = (word, by) => (word >>> by) | (word << (32 - by));
  const sha256 = (bytes) => {
    const { start512, rounds512 } = constants();
    const state = start512.map((value) => Number(value >> 32n) | 0);
    const rounds = rounds512.slice(0, 64).map((value) => Number(value >> 32n) | 0);
    const view = padded(bytes, 64, false);
    const w = new Int32Array(64);
    for (let at = 0; at < view.byteLength; at += 64) {
      for (let i = 0; i < 16; i++) w[i] = view.getInt32(at + i * 4);
      for (let i = 16; i < 64; i++) {
        const a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10));
      }
      let [a, b, c, d, e, f, g, h] = state;
      for (let i = 0; i < 64; i++) {
        const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + rounds[i] + w[i]) | 0;
        const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
      }
      [a, b, c, d, e, f, g, h].forEach((word, index) => { state[index] = (state[index] + word) | 0; });
    }
    return wordsToBytes(state, 4, false);
  };
  const sha512 = (bytes) => {
    const { start512: start, rounds512: rounds } = constants();
    const state = [...start];
    const turn64 = (word, by) => ((word >> by) | (word << (64n - by))) & MASK64;
    const view = padded(bytes, 128, false);
    for (let at = 0; at < view.byteLength; at += 128) {
      const w = Array.from({ length: 16 }, (_, i) => view.getBigUint64(at + i * 8));
      for (let i = 16; i < 80; i++) {
        const a = w[i - 15], b = w[i - 2];
        w[i] = (w[i - 16] + w[i - 7] + (turn64(a, 1n) ^ turn64(a, 8n) ^ (a >> 7n))
          + (turn64(b, 19n) ^ turn64(b, 61n) ^ (b >> 6n))) & MASK64;
      }
      let [a, b, c, d, e, f, g, h] = state;
      for (let i = 0; i < 80; i++) {
        const one = (h + (turn64(e, 14n) ^ turn64(e, 18n) ^ turn64(e, 41n)) + ((e & f) ^ (~e & MASK64 & g)) + rounds[i] + w[i])
          & MASK64;
        const two = ((turn64(a, 28n) ^ turn64(a, 34n) ^ turn64(a, 39n)) + ((a & b) ^ (a & c) ^ (b & c))) & MASK64;
        [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) & MASK64, c, b, a, (one + two) & MASK64];
      }
      [a, b, c, d, e, f, g, h].forEach((word, index) => { state[index] = (state[index] + word) & MASK64; });
    }
    return wordsToBytes(state, 8, false);
  };
  const sha1 = (bytes) => {
    const state = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476, 0xc3d2e1f0 | 0];
    const view = padded(bytes, 64, false);
    const w = new Int32Array(80);
    for (let at = 0; at < view.byteLength; at += 64) {
      for (let i = 0; i < 16; i++) w[i] = view.getInt32(at + i * 4);
      for (let i = 16; i < 80; i++) w[i] = turn(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 31);
      let [a, b, c, d, e] = state;
      for (let i = 0; i < 80; i++) {
        const [mix, add] = i < 20 ? [(b & c) | (~b & d), 0x5a827999] : i < 40 ? [b ^ c ^ d, 0x6ed9eba1]
          : i < 60 ? [(b & c) | (b & d) | (c & d), 0x8f1bbcdc] : [b ^ c ^ d, 0xca62c1d6];
        [e, d, c, b, a] = [d, c, turn(b, 2), a, (turn(a, 27) + mix + e + add + w[i]) | 0];
      }
      [a, b, c, d, e].forEach((word, index) => { state[index] = (state[index] + word) | 0; });
    }
    return wordsToBytes(state, 4, false);
  };
  const md5 = (bytes) => {
    const sines = constants().md5;
    const shifts = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
    const state = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476];
    const view = padded(bytes, 64, true);
    for (let at = 0; at < view.byteLength; at += 64) {
      let [a, b, c, d] = state;
      for (let i = 0; i < 64; i++) {
        const [mix, word] = i < 16 ? [(b & c) | (~b & d), i] : i < 32 ? [(d & b) | (~d & c), (5 * i + 1) % 16]
          : i < 48 ? [b ^ c ^ d, (3 * i + 5) % 16] : [c ^ (b | ~d), (7 * i) % 16];
        const sum = (a + mix + sines[i] + view.getInt32(at + word * 4, true)) | 0;
        [a, d, c, b] = [d, c, b, (b + turn(sum, 32 - shifts[i >> 4][i % 4])) | 0];
      }
      [a, b, c, d].forEach((word, index) => { state[index] = (state[index] + word) | 0; });
    }
    return wordsToBytes(state, 4, true);
  };
  const DIGESTS = { sha256: [sha256, 64], sha512: [sha512, 128], sha1: [sha1, 64], md5: [md5, 64] };
  const joined = (...parts) => {
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
    return whole;
  };
  class Hash {
    constructor(algorithm, key) {
      const found = DIGESTS[String(algorithm).toLowerCase().replace("-", "")];
      if (!found) throw new Error(`Digest method not supported: ${algorithm}`);
      [this.make, this.block] = found;
      this.parts = [];
      if (key !== undefined) {
        const bytes = key instanceof Bytes ? key.bytes : bytesOf(key);
        this.key = joined(bytes.length > this.block ? this.make(bytes) : bytes, new Uint8Array(this.block)).slice(0, this.block);
      }
    }
    update(data, encoding) {
      this.parts.push(data instanceof Bytes ? data.bytes : decoded(data, encoding));
      return this;
    }
    digest(encoding) {
      const { key, make, parts } = this;
      const made = key ? make(joined(key.map((byte) => byte ^ 0x5c), make(joined(key.map((byte) => byte ^ 0x36), ...parts))))
        : make(joined(...parts));
      return encoding === undefined ? new Bytes(made) : encoded(made, encoding);
    }
  }
  const randomUUID = () => "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx".replace(/[xy]/g, (letter) =>
    (letter === "x" ? Math.random() * 16 : 8 + Math.random() * 4 | 0).toString(16)[0]);
  const crypto = { createHash: (name) => new Hash(name), createHmac: (name, key) => new Hash(name, key), randomUUID };
  define("crypto", crypto);
  define("require", (name) => {
    const found = { crypto, "node-fetch": globalThis.fetch, buffer: { Buffer } }[name.replace(/^node:/, "")];
    if (!found) throw new Error(`There is no package '${name}' here`);
    return found;
  });

  // --- addresses
  define("URLSearchParams", class URLSearchParams {
    constructor(from = "") {
      const plain = (text) => decodeURIComponent(text.replace(/\+/g, " "));
      if (typeof from === "string")
        this.pairs = from.replace(/^\?/, "").split("&").filter(Boolean).map((pair) => {
          const at = pair.indexOf("=");
          return at < 0 ? [plain(pair), ""] : [plain(pair.slice(0, at)), plain(pair.slice(at + 1))];
        });
      else
        this.pairs = Array.from(from[Symbol.iterator] ? from : Object.entries(from), ([name, value]) => [String(name), String(value)]);
    }
    append(name, value) { this.pairs.push([String(name), String(value)]); this.changed?.(); }
    set(name, value) { this.pairs = this.pairs.filter(([one]) => one !== name); this.append(name, value); }
    delete(name) { this.pairs = this.pairs.filter(([one]) => one !== name); this.changed?.(); }
    get(name) { return this.pairs.find(([one]) => one === name)?.[1] ?? null; }
    getAll(name) { return this.pairs.filter(([one]) => one === name).map(([, value]) => value); }
    has(name) { return this.pairs.some(([one]) => one === name); }
    forEach(each) { this.pairs.forEach(([name, value]) => each(value, name, this)); }
    entries() { return this.pairs[Symbol.iterator](); }
    [Symbol.iterator]() { return this.entries(); }
    toString() {
      const form = (text) => encodeURIComponent(text).replace(/%20/g, "+").replace(/[!'()~]/g, (letter) =>
        `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
      return this.pairs.map(([name, value]) => `${form(name)}=${form(value)}`).join("&");
    }
  });
  const ADDRESS = /^([a-z][a-z0-9+.-]*:)\/\/(?:([^:@/?#]*)(?::([^@/?#]*))?@)?([^:/?#]+)(?::(\d+))?([^?#]*)(\?[^#]*)?(#.*)?$/i;
  define("URL", class URL {
    constructor(text, from) {
      let found = ADDRESS.exec(String(text).trim());
      if (!found && from !== undefined) {
        const start = new URL(from);
        const path = String(text);
        found = ADDRESS.exec(path.startsWith("/") ? start.origin + path
          : path.startsWith("?") ? start.origin + start.pathname + path
            : start.origin + start.pathname.replace(/[^/]*$/, "") + path);
      }
      if (!found) throw new TypeError(`Invalid URL: ${text}`);
      const [, protocol, username = "", password = "", host, port = "", path, search = "", hash = ""] = found;
      const steps = [];
      for (const step of path.split("/").slice(1))
        if (step === "..") steps.pop(); else if (step !== ".") steps.push(step);
      const safe = (part) => encodeURI(part).replace(/%25([0-9a-f]{2})/gi, "%$1");
      this.protocol = protocol.toLowerCase();
      Object.assign(this, { username, password, hostname: host.toLowerCase(), hash: safe(hash) });
      this.port = { "http:": "80", "https:": "443" }[this.protocol] === port ? "" : port;
      this.pathname = safe(`/${steps.join("/")}`);
      this.search = search === "?" ? "" : safe(search);
      this.searchParams = new URLSearchParams(this.search);
      this.searchParams.changed = () => {
        const query = this.searchParams.toString();
        this.search = query && `?${query}`;
      };
    }
    get host() { return this.port ? `${this.hostname}:${this.port}` : this.hostname; }
    get origin() { return `${this.protocol}//${this.host}`; }
    get href() {
      const login = this.username && `${this.username}${this.password && `:${this.password}`}@`;
      return `${this.protocol}//${login}${this.host}${this.pathname}${this.search}${this.hash}`;
    }
    toString() { return this.href; }
    toJSON() { return this.href; }
  });

  // --- fetch
  define("Headers", class Headers {
    constructor(from = {}) {
      this.values = new Map();
      for (const [name, value] of from[Symbol.iterator] ? from : Object.entries(from)) this.append(name, value);
    }
    append(name, value) { const old = this.get(name); this.set(name, old === null ? value : `${old}, ${value}`); }
    set(name, value) { this.values.set(String(name).toLowerCase(), String(value)); }
    delete(name) { this.values.delete(String(name).toLowerCase()); }
    get(name) { return this.values.get(String(name).toLowerCase()) ?? null; }
    has(name) { return this.values.has(String(name).toLowerCase()); }
    forEach(each) { this.values.forEach((value, name) => each(value, name, this)); }
    entries() { return this.values.entries(); }
    keys() { return this.values.keys(); }
    [Symbol.iterator]() { return this.entries(); }
  });
  define("Response", class Response {
    constructor(body = "", { status = 200, headers = {}, url = "" } = {}) {
      Object.assign(this, { status, url, statusText: "", headers: new Headers(headers), bodyUsed: false });
      Object.defineProperty(this, "content", { value: body });
    }
    get ok() { return this.status >= 200 && this.status < 300; }
    async text() { return this.content; }
    async json() { return parse(this.content); }
    async arrayBuffer() { return encode(this.content).buffer; }
  });
  let refusal = null; // why `fetch` cannot be used where nobody gives answers
  let refused = null; // the same, while such a call goes on
  let job = null; // what runs now; jobs are turned one at a time
  let number = 0;
  const waiting = new Map(); // fetches whose answer is not there
  let out = [];
  const JSON_TYPE = "application/json", TEXT_TYPE = "text/plain;charset=UTF-8", FORM_TYPE = "application/x-www-form-urlencoded";
  define("fetch", (address, { method = "GET", headers = {}, body } = {}) => {
    if (refused !== null) return Promise.reject(new Error(refused));
    const url = new URL(String(address?.url ?? address)).href;
    const all = new Headers(headers);
    let text = "", isBase64 = false;
    if (body instanceof URLSearchParams) {
      text = body.toString();
      if (!all.has("content-type")) all.set("content-type", FORM_TYPE);
    } else if (body instanceof Bytes || RealArrayBuffer.isView(body) || body instanceof RealArrayBuffer) {
      [text, isBase64] = [toBase64(body instanceof Bytes ? body.bytes : bytesOf(body)), true];
    } else if (body !== undefined && body !== null) {
      text = String(body);
      if (!all.has("content-type")) all.set("content-type", TEXT_TYPE);
    }
    const id = ++number;
    out.push({ job, fetch: id, method: String(method).toUpperCase(), url, headers: Object.fromEntries(all), body: text, isBase64 });
    return new Promise((resolve, reject) => waiting.set(id, { resolve, reject, job, url }));
  });

  // --- waiting: time does not pass in here, so whoever waits is next when nothing else can go on
  let timers = [];
  define("setTimeout", (call, after = 0, ...args) => {
    timers.push({ id: ++number, after: Number(after) || 0, call, args, job });
    return number;
  });
  define("clearTimeout", (id) => { timers = timers.filter((one) => one.id !== id); });

  // --- cache
  const kept = new Map();
  define("cache", {
    async load(key, milliseconds, make) {
      const found = kept.get(key);
      if (found && found.until > Date.now()) return found.value;
      const value = await make();
      if (kept.size >= 1000) kept.delete(kept.keys().next().value);
      kept.set(key, { value, until: Date.now() + milliseconds });
      return value;
    },
    delete(key) { kept.delete(key); },
  });

  // --- the pump
  const live = new Map(); // jobs without an end
  const said = (error) => {
    if (error === null || typeof error !== "object") return { name: "Error", message: String(error) };
    const place = /<anonymous>:(\d+):(\d+)/.exec(String(error.stack ?? ""));
    return {
      name: String(error.name ?? "Error"), message: String(error.message ?? shown(error)),
      line: place ? Number(place[1]) : 0,
    };
  };
  const failed = (id, error) => { out.push(`{"job":${id},"error":${stringify(said(error))}}`); };
  const ended = (id, value) => {
    let text;
    try {
      text = stringify(value); // here, so that what cannot be told harms this job only
    } catch (error) {
      failed(id, error);
      return;
    }
    out.push(text === undefined ? `{"job":${id}}` : `{"job":${id},"value":${text}}`);
  };
  const OPEN = { track: "properties", page: "properties", screen: "properties", identify: "traits", group: "traits" };
  const whole = (event) => { // a function may count on the objects that an event of its type has
    const name = OPEN[event?.type];
    if (name !== undefined && event[name] === undefined) event[name] = {};
  };
  const begin = (id, call, argument) => {
    if (Array.isArray(argument)) argument.forEach(whole); else whole(argument);
    job = id;
    try {
      const made = call(argument, settings);
      if (made !== null && typeof made === "object" && typeof made.then === "function") {
        live.set(id, true);
        made.then(
          (value) => { if (live.delete(id)) ended(id, value); },
          (error) => { if (live.delete(id)) failed(id, error); },
        );
      } else ended(id, made);
    } catch (error) {
      live.delete(id);
      failed(id, error);
    }
  };
  let handlers = {}, settings = {};
  const start = (jobs, handler, each) => {
    for (let at = 0; at < each.length; at++) begin(jobs + at, handlers[handler], each[at]);
  };
  const answer = (id, { body, status, headers }) => {
    const found = waiting.get(id);
    if (!found) return;
    waiting.delete(id);
    job = found.job;
    found.resolve(new Response(body, { status, headers, url: found.url }));
  };
  return {
    get job() { return job; }, // which of them goes on
    setUp(why, named, given) { [refusal, handlers, settings] = [why, named, given]; },
    feed(text) { // a line that says what to do, and then JSON
      [written, bufferBytes] = ["", 0];
      const at = text.indexOf("\n");
      const [what, number, handler] = text.slice(0, at).split(" ");
      const told = parse(text.slice(at + 1));
      refused = what === "call" ? refusal : null;
      if (what === "answer") answer(Number(number), told); else start(Number(number), handler, told);
    },
    drain() { // what came of it meanwhile; when nothing did, whoever waits for the shortest time goes on
      let passed = false;
      if (out.length === 0 && timers.length > 0) {
        const next = timers.reduce((one, other) => (other.after < one.after ? other : one));
        timers = timers.filter((one) => one !== next);
        job = next.job;
        passed = true;
        next.call(...next.args);
      }
      const lines = out.map((one) => (typeof one === "string" ? one : stringify(one)));
      out = [];
      return `{"out":[${lines}],"open":${live.size},"passed":${passed},"console":${stringify(written)}}`;
    },
    stopped(id) {}, // for who keeps something of a job
    stop(id) {
      live.delete(id);
      this.stopped(id);
      for (const [fetch, one] of waiting) if (one.job === id) waiting.delete(fetch);
      timers = timers.filter((one) => one.job !== id);
    },
  };
})();
