// Fetches and checks the page's WebAssembly and starts it. Before the first paint it sets the theme, and whether the page
// is embedded.
// scripts/boot.sh fills in {{JS}}, {{WASM}} and {{INTEGRITY}}.
(() => {
  // First, since looking up the theme waits for the browser's storage.
  const wasm = fetch("{{WASM}}", { integrity: "{{INTEGRITY}}" });
  // The address is absolute: in a sandboxed iframe this script has another origin than the page, and no base of its own.
  const module = import(new URL("{{JS}}", document.baseURI).href);
  const link = new URLSearchParams(location.search);
  const embed = link.get("embed");
  let theme = null;
  if (embed) {
    document.documentElement.dataset.embed = embed === "all" ? "all" : "one";
    theme = link.get("theme");
  } else {
    try {
      theme = localStorage.getItem("inferboard.theme");
    } catch {
      // Without storage the page follows the system.
    }
  }
  if (theme !== "light" && theme !== "dark") {
    theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
  document.documentElement.dataset.theme = theme;

  const fail = (text) => {
    const show = () => {
      let note = document.getElementById("boot");
      if (!note) {
        note = document.createElement("p");
        note.id = "boot";
        document.body.prepend(note);
      }
      note.setAttribute("role", "alert");
      note.textContent = text;
    };
    if (document.body) show();
    else addEventListener("DOMContentLoaded", show);
  };
  addEventListener("error", (event) => {
    if (event.error instanceof WebAssembly.RuntimeError) {
      fail("Inferboard stopped because of an internal error. Reload the page to restart it.");
    }
  });

  if (typeof WebAssembly !== "object") {
    fail("Inferboard could not be started: WebAssembly is disabled in this browser.");
    return;
  }
  const ready = new Promise((resolve) => {
    if (document.body) resolve();
    else addEventListener("DOMContentLoaded", resolve);
  });
  Promise.all([module, ready])
    .then(([page]) => page.default({ module_or_path: wasm }))
    .then(() => document.getElementById("boot")?.remove())
    .catch((error) => {
      console.error(error);
      fail(
        error instanceof WebAssembly.CompileError
          ? `Inferboard could not be started: the browser or the policy of this site blocked its WebAssembly (${error.message}).`
          : "Inferboard could not be loaded: its files are incomplete or of different versions. Reload the page.",
      );
    });
})();
