/** Which view the address names: kept in the part after `#`, so that every moment can be linked and gone back to. */

export type Route =
  | { readonly view: "start" }
  | { readonly view: "channel"; readonly name: string; readonly message: string | null }
  | { readonly view: "compare"; readonly left: string; readonly right: string };

export function routeOf(hash: string): Route {
  const parts = hash.replace(/^#\/?/, "").split("/").map(decoded);
  const [view, first, third, fourth] = parts;
  if (view === "c" && first) return { view: "channel", name: first, message: third === "m" && fourth ? fourth : null };
  if (view === "compare" && first && third) return { view: "compare", left: first, right: third };
  return { view: "start" };
}

export function hashOf(route: Route): string {
  switch (route.view) {
    case "start":
      return "#/";
    case "channel": {
      const channel = `#/c/${encodeURIComponent(route.name)}`;
      return route.message === null ? channel : `${channel}/m/${encodeURIComponent(route.message)}`;
    }
    case "compare":
      return `#/compare/${encodeURIComponent(route.left)}/${encodeURIComponent(route.right)}`;
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
