// Light and dark, and the language remembered for the next visit. Streamlit keeps its theme per path in local storage.
const PATHS = ["/", "/worklist", "/image", "/ecg", "/glucose", "/models", "/validate"];
export default function (component) {
  const { data, parentElement } = component;
  document.cookie = `medcore_language=${data.language}; Path=/; SameSite=Lax; Max-Age=31536000`;
  document.documentElement.lang = data.language === "zh" ? "zh-CN" : "en";
  const base = new URL(document.baseURI).pathname.replace(/\/$/, "");
  const keys = new Set([...PATHS.map((path) => `stActiveTheme-${base}${path}-v2`), `stActiveTheme-${location.pathname}-v2`]);
  const remembered = localStorage.getItem("medcore_theme");
  if (remembered) for (const key of keys) localStorage.setItem(key, JSON.stringify(remembered));
  const dark = themed(parentElement).style.colorScheme === "dark";
  const moon = "M13.6 10.2A6 6 0 0 1 5.8 2.4a6 6 0 1 0 7.8 7.8Z";
  const sun = "M8 4.6a3.4 3.4 0 1 1 0 6.8 3.4 3.4 0 0 1 0-6.8Z M7.3.8h1.4v2.4H7.3Z M7.3 12.8h1.4v2.4H7.3Z M.8 7.3h2.4v1.4H.8Z M12.8 7.3h2.4v1.4h-2.4Z M2.4 3.4l1-1 1.7 1.7-1 1Z M10.9 11.9l1-1 1.7 1.7-1 1Z M10.9 4.1l1.7-1.7 1 1-1.7 1.7Z M2.4 12.6l1.7-1.7 1 1-1.7 1.7Z";
  const button = el("button", {
    class: "theme", title: dark ? data.light : data.dark, "aria-label": dark ? data.light : data.dark,
    onclick: () => {
      const wanted = dark ? "Light" : "Dark";
      localStorage.setItem("medcore_theme", wanted);
      for (const key of keys) localStorage.setItem(key, JSON.stringify(wanted));
      location.reload();
    },
  }, svg("svg", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" }, svg("path", { d: dark ? sun : moon, fill: "currentColor" })));
  themed(parentElement).replaceChildren(button);
}
