// Search runs in a worker, and a page that was opened from a file may not start one: there, an iframe takes its place.
// It replaces the script that mkdocs-material would load from a CDN.
class IFrameWorker extends EventTarget {
  constructor(url) {
    super();
    const frame = Object.assign(document.createElement("iframe"), { hidden: true });
    document.body.appendChild(frame);
    this.window = frame.contentWindow;
    this.started = new Promise((resolve) => frame.addEventListener("started", resolve));
    frame.addEventListener("message", ({ data }) => this.dispatchEvent(new MessageEvent("message", { data })));
    const inner = frame.contentDocument;
    inner.open();
    inner.write(
      `<html><body><script>
        postMessage = (data) => frameElement.dispatchEvent(new MessageEvent("message", { data }));
        importScripts = (...urls) => Promise.all(urls.map((src) => new Promise((onload, onerror) =>
          document.body.appendChild(Object.assign(document.createElement("script"), { src, onload, onerror })))));
      <\/script><script src="${url}"><\/script><script>frameElement.dispatchEvent(new Event("started"))<\/script></body></html>`,
    );
    inner.close();
  }

  postMessage(data) {
    this.started.then(() => this.window.dispatchEvent(new MessageEvent("message", { data })));
  }

  terminate() {}
}

if (location.protocol === "file:") {
  window.IFrameWorker = IFrameWorker;
  window.Worker = IFrameWorker;
}
