/**
 * Building the pages, in the only way they are built.
 *
 * Belongs here: making elements from names, attributes and text. Text becomes a text node,
 * so a name that looks like markup is shown as it was written. Does not belong here:
 * anything that knows what EcoMind is.
 */

export type Child = Node | string | number | null | undefined | false;
type Attribute = string | number | boolean | null | undefined;
export type Attributes = Readonly<Record<string, Attribute>>;

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element; `true` writes an attribute without value, `false` and `null` none. */
export function el<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  return filled(element, attributes, children);
}

/** An SVG element. */
export function svg<Name extends keyof SVGElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[Name] {
  const element = document.createElementNS(SVG, name);
  return filled(element, attributes, children);
}

/** The element with this id; a page without it is built wrongly, which is an error. */
export function byId<Kind extends Element>(id: string, kind: new () => Kind): Kind {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} #${id}`);
  return found;
}

/** Replace everything inside `parent`. */
export function fill(parent: Element, ...children: readonly Child[]): void {
  parent.replaceChildren(...children.filter(isShown).map(asNode));
}

/** A button whose click does `action`; the label is its text. */
export function button(label: string, action: () => void, attributes: Attributes = {}) {
  const element = el("button", { type: "button", ...attributes }, label);
  element.addEventListener("click", action);
  return element;
}

function filled<Kind extends Element>(
  element: Kind,
  attributes: Attributes,
  children: readonly Child[],
): Kind {
  for (const [name, value] of Object.entries(attributes)) {
    // Handlers are added with addEventListener, sizes through classes or SVG attributes.
    if (/^(on|style$|srcdoc$)/i.test(name)) throw new Error(`attribute ${name} is not used`);
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, String(value));
  }
  element.append(...children.filter(isShown).map(asNode));
  return element;
}

function isShown(child: Child): child is Node | string | number {
  return child !== null && child !== undefined && child !== false;
}

function asNode(child: Node | string | number): Node {
  return child instanceof Node ? child : document.createTextNode(String(child));
}
