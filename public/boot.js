// Sets the theme before the first paint, then fetches, checks and starts the page's WebAssembly.
// {{JS}}, {{WASM}} and {{INTEGRITY}} are filled in by scripts/boot.sh.
(() => {
  let theme = null;
  try {
    theme = localStorage.getItem("inferboard.theme");
  } catch {
    // A frame without storage follows the system.
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
        note.setAttribute("role", "alert");
        document.body.prepend(note);
      }
      note.textContent = text;
    };
    if (document.body) show();
    else addEventListener("DOMContentLoaded", show);
  };
  addEventListener("error", (event) => {
    if (event.error instanceof WebAssembly.RuntimeError) {
      fail("Inferboard has stopped because of an error of its own. Reload the page to start it again.");
    }
  });

  const wasm = fetch("{{WASM}}", { integrity: "{{INTEGRITY}}" });
  const ready = new Promise((resolve) => {
    if (document.body) resolve();
    else addEventListener("DOMContentLoaded", resolve);
  });
  Promise.all([import("{{JS}}"), ready])
    .then(([page]) => page.default({ module_or_path: wasm }))
    .then(() => document.getElementById("boot")?.remove())
    .catch((error) => {
      console.error(error);
      fail("Inferboard could not be loaded: its files are incomplete, or of different versions. Reload the page.");
    });
})();
