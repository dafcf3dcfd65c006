// Elements. Every value goes in as text: nothing here, or anywhere in the view, reads markup.
const at = (id) => document.getElementById(id);
const filled = (element, attributes, children) => {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
};
const el = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);
const svg = (tag, attributes = {}, ...children) =>
  filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
const options = (select, names, chosen) =>
  select.replaceChildren(...names.map((name, value) => filled(new Option(name, value, false, value === chosen), {}, [])));
const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
