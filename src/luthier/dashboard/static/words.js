// Numbers, times and values as people read them.

const FIXED = new Map();

function fixed(digits) {
  if (!FIXED.has(digits)) FIXED.set(digits, new Intl.NumberFormat("en", { maximumSignificantDigits: digits }));
  return FIXED.get(digits);
}

/** A measured number, with so many significant digits. */
export function number(value, digits = 5) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "object" && "$float" in value) return value.$float === "-inf" ? "−∞" : value.$float === "inf" ? "∞" : "NaN";
  if (typeof value === "string") return value;
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) {
    const [head, tail] = value.toExponential(Math.min(digits, 4) - 1).split("e");
    return `${Number(head)}e${Number(tail)}`.replaceAll("-", "−");
  }
  if (Number.isInteger(value)) return value.toLocaleString("en").replace("-", "−");
  return fixed(digits).format(value).replace("-", "−");
}

/** A count: 12,345. */
export function count(value) {
  return value === null || value === undefined ? "–" : value.toLocaleString("en");
}

/** "1 trial", "2 trials". */
export function plural(n, word) {
  return `${count(n)} ${n === 1 ? word : word.endsWith("y") ? word.slice(0, -1) + "ies" : word + "s"}`;
}

/** A share of one: "12%". */
export function percent(share) {
  if (!Number.isFinite(share)) return "–";
  return share > 0 && share < 0.01 ? "< 1%" : `${Math.round(share * 100)}%`;
}

/** A span of seconds: "3 min 20 s". */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  if (seconds < 0.0995) return `${Math.max(0, Math.round(seconds * 1000))} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  const rest = Math.floor(seconds % 60);
  if (minutes < 60) return rest ? `${minutes} min ${rest} s` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return hours % 24 ? `${Math.floor(hours / 24)} d ${hours % 24} h` : `${hours / 24} d`;
}

/** How long ago seconds since the epoch were. */
export function ago(stamp) {
  if (!stamp) return "–";
  const seconds = Date.now() / 1000 - stamp;
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${Math.round(seconds)} s ago`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86400)} d ago`;
}

const MOMENT = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium" });

/** Seconds since the epoch as local date and time. */
export function moment(stamp) {
  return stamp ? MOMENT.format(new Date(stamp * 1000)) : "–";
}

/** Any JSON value in a line, cut to a length. */
export function value(item, most = 80) {
  const text = plain(item);
  return text.length > most ? text.slice(0, most - 1) + "…" : text;
}

function plain(item) {
  if (typeof item === "number") return number(item);
  if (typeof item === "string") return item === "" ? '""' : item;
  if (item === undefined) return "–";
  if (item && typeof item === "object" && "$float" in item) return number(item);
  if (item && typeof item === "object" && "$tuple" in item) return `(${item.$tuple.map(plain).join(", ")})`;
  if (Array.isArray(item)) return `[${item.map(plain).join(", ")}]`;
  return JSON.stringify(item);
}
