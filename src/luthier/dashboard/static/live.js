// News from the server as they happen, and whether the connection stands.

const SILENCE = 12_000; // the server beats every 5 s

/**
 * Listen to a stream. `hears` maps names of events to functions of their data; `status` is told
 * "live", "lost" or "away" (the page is hidden, so that browsers keep their six connections).
 * Returns a function that ends it.
 */
export function listen(path, hears, status) {
  let source = null;
  let timer = 0;
  let ended = false;

  function open() {
    if (ended || source) return;
    source = new EventSource(path);
    source.addEventListener("open", alive);
    source.addEventListener("error", () => {
      status("lost");
      if (source?.readyState === EventSource.CLOSED) again(); // refused: EventSource gives up, we don't
    });
    source.addEventListener("beat", alive);
    for (const [event, action] of Object.entries(hears)) {
      source.addEventListener(event, (message) => {
        alive();
        action(message.data ? JSON.parse(message.data) : {});
      });
    }
  }

  function alive() {
    if (ended) return;
    status("live");
    clearTimeout(timer);
    timer = setTimeout(again, SILENCE);
  }

  function again() {
    status("lost");
    close();
    timer = setTimeout(open, 2000);
  }

  function close() {
    clearTimeout(timer);
    source?.close();
    source = null;
  }

  function visible() {
    if (document.hidden) {
      close();
      status("away");
    } else open();
  }

  document.addEventListener("visibilitychange", visible);
  open();
  return () => {
    ended = true;
    close();
    document.removeEventListener("visibilitychange", visible);
    status("none");
  };
}

/** A function that runs `action` soon, but not again before `pause` ms after it last ended. */
export function throttled(action, pause) {
  let due = false;
  let busy = false;
  async function run() {
    busy = true;
    due = false;
    const begun = performance.now();
    try {
      await action();
    } finally {
      const rest = Math.max(pause, 2 * (performance.now() - begun)); // what is slow is done less often
      setTimeout(() => {
        busy = false;
        if (due) run();
      }, rest);
    }
  }
  return () => {
    if (busy) due = true;
    else run();
  };
}
