/** What a person does on the pages that come up. */
export interface Person {
  /** The user name typed at the login page. */
  user: string;
  /** Presses the first cancel button that is offered. */
  deny: boolean;
  /** The code typed at the device page when its address does not carry one. */
  userCode?: string;
}

/** Where a visit ended: on a page, or at an address of another origin, which was not opened. */
export type Visit =
  | { readonly left: string }
  | { readonly left?: undefined; readonly status: number; readonly outcome?: string; readonly text: string };

const MOST_PAGES = 25;

/** Opens an address, submits the forms that come up and follows redirects, without ever leaving the origin. */
export async function browse(address: string, person: Person): Promise<Visit> {
  const origin = new URL(address).origin;
  const cookies = cookieJar();
  let url = new URL(address);
  let body: URLSearchParams | undefined;
  for (let count = 0; count < MOST_PAGES; count++) {
    const response = await globalThis.fetch(url, {
      method: body ? "POST" : "GET",
      body: body?.toString(),
      redirect: "manual",
      headers: {
        accept: "text/html",
        "user-agent": "Mozilla/5.0 (a person in a test)",
        cookie: cookies.header(url),
        ...(body ? { "content-type": "application/x-www-form-urlencoded" } : {}),
      },
    });
    cookies.keep(url, response.headers.getSetCookie());
    const html = await response.text();
    const location = response.headers.get("location");
    const form = location === null ? readForm(html) : undefined;
    const outcome = /data-outcome="([a-z]+)"/.exec(html)?.[1];
    if (location === null && (form === undefined || outcome !== undefined)) {
      return { status: response.status, outcome, text: plainText(html) };
    }
    body = form && fillIn(form, person);
    url = new URL(location ?? form!.action, url);
    if (url.origin !== origin) return { left: url.href };
  }
  throw new Error(`Cannot finish the visit: more than ${MOST_PAGES} pages after ${address}`);
}

interface Form {
  readonly action: string;
  readonly fields: URLSearchParams;
  /** The named submit button that cancels, if the page has one. */
  readonly cancel?: string;
}

function readForm(html: string): Form | undefined {
  const match = /<form\b([^>]*)>([\s\S]*?)<\/form>/i.exec(html);
  if (match === null) return undefined;
  const fields = new URLSearchParams();
  for (const [, text] of match[2].matchAll(/<input\b([^>]*)>/gi)) {
    const { name, value = "" } = attributes(text);
    if (name) fields.append(name, value);
  }
  const buttons = [...html.matchAll(/<button\b([^>]*)>/gi)].map(([, text]) => attributes(text));
  const cancel = buttons.find(({ name }) => name === "abort")?.name;
  return { action: attributes(match[1]).action ?? "", fields, cancel };
}

function fillIn({ fields, cancel }: Form, person: Person): URLSearchParams {
  const filled = new URLSearchParams(fields);
  if (fields.get("login") === "") filled.set("login", person.user);
  if (fields.get("user_code") === "") filled.set("user_code", person.userCode ?? "");
  if (person.deny && cancel) filled.set(cancel, "yes");
  return filled;
}

function attributes(text: string): Record<string, string | undefined> {
  const pairs = [...text.matchAll(/([a-z_-]+)="([^"]*)"/gi)];
  return Object.fromEntries(pairs.map(([, name, value]) => [name.toLowerCase(), decodeEntities(value)]));
}

const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function decodeEntities(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([\da-f]+)|([a-z]+));/gi, (whole, decimal, hexadecimal, name) => {
    if (decimal) return String.fromCodePoint(Number(decimal));
    return hexadecimal ? String.fromCodePoint(parseInt(hexadecimal, 16)) : ENTITIES[name] ?? whole;
  });
}

function plainText(html: string): string {
  const text = html.replace(/<head>[\s\S]*<\/head>/i, "").replace(/<[^>]*>/g, " ");
  return decodeEntities(text).replace(/\s+/g, " ").trim();
}

interface CookieJar {
  keep(url: URL, setCookies: string[]): void;
  header(url: URL): string;
}

/** The part of RFC 6265 that matters on one host: name and path tell cookies apart, a past date removes one. */
function cookieJar(): CookieJar {
  const cookies = new Map<string, { pair: string; path: string }>();
  return {
    keep(url, setCookies) {
      for (const line of setCookies) {
        const [pair, ...rest] = line.split(";").map((part) => part.trim());
        const properties = new Map(
          rest.map((part) => [part.split("=")[0].toLowerCase(), part.replace(/^[^=]*=/, "")]),
        );
        const path = properties.get("path") ?? (url.pathname.replace(/\/[^/]*$/, "") || "/");
        const key = `${pair.split("=")[0]} ${path}`;
        const expires = properties.get("expires");
        if (expires !== undefined && Date.parse(expires) <= Date.now()) cookies.delete(key);
        else cookies.set(key, { pair, path });
      }
    },
    header(url) {
      const applies = (path: string) =>
        url.pathname === path || url.pathname.startsWith(path.endsWith("/") ? path : `${path}/`);
      return [...cookies.values()].filter(({ path }) => applies(path)).map(({ pair }) => pair).join("; ");
    },
  };
}
