"use strict";
(() => {
  const root = document.documentElement;
  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  const drawn = new Map();

  // Figures name the style sheet's colours as "@c1" or "@c1/0.2", so that both themes share them.
  const resolve = (value, style) => {
    if (typeof value === "string" && value.startsWith("@")) {
      const [name, alpha] = value.slice(1).split("/");
      const colour = style.getPropertyValue("--" + name).trim();
      if (!alpha) return colour;
      const parts = colour.match(/[0-9a-f]{2}/gi).map((part) => parseInt(part, 16));
      return `rgba(${parts.join(",")},${alpha})`;
    }
    if (Array.isArray(value)) return value.map((item) => resolve(item, style));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, resolve(v, style)]));
    }
    return value;
  };

  const axis = (style) => ({
    gridcolor: style.getPropertyValue("--line").trim(),
    zerolinecolor: style.getPropertyValue("--line").trim(),
    linecolor: style.getPropertyValue("--line").trim(),
    automargin: true,
  });

  const draw = (plot) => {
    const content = drawn.get(plot) || JSON.parse(plot.nextElementSibling.textContent);
    drawn.set(plot, content);
    const style = getComputedStyle(root);
    const narrow = plot.clientWidth < 520;
    const layout = resolve(content.layout || {}, style);
    for (const key of new Set(["xaxis", "yaxis", ...Object.keys(layout)])) {
      if (/^[xy]axis/.test(key)) layout[key] = { ...axis(style), ...layout[key] };
    }
    Plotly.react(plot, resolve(content.data, style), {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: {
        family: "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', sans-serif",
        size: narrow ? 10 : 12,
        color: style.getPropertyValue("--soft").trim(),
      },
      margin: { l: narrow ? 34 : 48, r: narrow ? 8 : 16, t: 8, b: 30 },
      legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
      hovermode: "x unified",
      hoverlabel: {
        bgcolor: style.getPropertyValue("--card").trim(),
        font: { color: style.getPropertyValue("--ink").trim() },
      },
      ...layout,
    }, { responsive: true, displaylogo: false, displayModeBar: false });
  };

  const plots = [...document.querySelectorAll(".plot")];
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting && !drawn.has(entry.target)) draw(entry.target);
    }
  }, { rootMargin: "600px" });
  plots.forEach((plot) => watcher.observe(plot));
  const redraw = () => [...drawn.keys()].forEach(draw);
  systemDark.addEventListener("change", redraw);
  addEventListener("beforeprint", () => plots.forEach(draw));
  document.getElementById("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : systemDark.matches;
    root.dataset.theme = dark ? "light" : "dark";
    redraw();
  });

  const contents = document.getElementById("contents");
  if (contents) {
    for (const heading of document.querySelectorAll("main h2")) {
      const link = document.createElement("a");
      link.href = "#" + heading.id;
      link.textContent = heading.textContent;
      contents.append(link);
    }
  }
})();
