import type { IncomingMessage } from "node:http";
import type { Exchange, InteractionDetails, Middleware, ProviderInstance } from "./provider_types.ts";

/** How a page that ends a visit says so; a browser driver reads `data-outcome`. */
export type Outcome = "success" | "aborted" | "error";

/** A page without script, style or anything from another host. */
export function page(title: string, content: string, outcome?: Outcome): string {
  const marker = outcome === undefined ? "" : ` data-outcome="${outcome}"`;
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title></head>
<body><main${marker}><h1>${escapeHtml(title)}</h1>${content}</main></body></html>`;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Serves the login and consent pages at `/interaction/:uid`. `onGrant` learns which request led to which grant. */
export function interactionPages(
  provider: ProviderInstance,
  onGrant: (grantId: string, parameters: InteractionDetails["params"]) => void,
): Middleware {
  return async (exchange, next) => {
    if (!exchange.path.startsWith("/interaction/")) return await next();
    const details = await provider.interactionDetails(exchange.req, exchange.res);
    if (exchange.method !== "POST") return show(exchange, interactionForm(details));
    const fields = await readForm(exchange.req);
    if (fields.has("abort")) {
      const error = { error: "access_denied", error_description: "End-User aborted interaction" };
      return await finish(provider, exchange, error);
    }
    if (details.prompt.name === "login") {
      const accountId = fields.get("login");
      if (!accountId) return show(exchange, interactionForm(details));
      return await finish(provider, exchange, { login: { accountId } });
    }
    const grantId = await grantWhatIsMissing(provider, details);
    onGrant(grantId, details.params);
    await finish(provider, exchange, { consent: { grantId } });
  };
}

function interactionForm({ prompt, params }: InteractionDetails): string {
  const client = escapeHtml(params.client_id ?? "");
  const abort = `<button type="submit" name="abort" value="yes">Cancel</button>`;
  if (prompt.name === "login") {
    return page(
      "Sign in",
      `<form method="post" action=""><p>to continue to ${client}</p>
<label>User name <input type="text" name="login" value="" required></label>
<button type="submit">Sign in</button>${abort}</form>`,
    );
  }
  return page(
    "Authorize",
    `<form method="post" action=""><p>${client} asks for: ${escapeHtml(params.scope ?? "nothing")}</p>
<button type="submit">Allow</button>${abort}</form>`,
  );
}

async function grantWhatIsMissing(provider: ProviderInstance, details: InteractionDetails): Promise<string> {
  const { prompt, params, session, grantId } = details;
  const known = grantId === undefined ? undefined : await provider.Grant.find(grantId);
  const grant = known ?? new provider.Grant({ accountId: session?.accountId, clientId: params.client_id });
  const { missingOIDCScope, missingOIDCClaims, missingResourceScopes } = prompt.details;
  if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(" "));
  if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims);
  for (const [resource, scopes] of Object.entries(missingResourceScopes ?? {})) {
    grant.addResourceScope(resource, scopes.join(" "));
  }
  return await grant.save();
}

async function finish(
  provider: ProviderInstance,
  exchange: Exchange,
  result: Record<string, unknown>,
): Promise<void> {
  const options = { mergeWithLastSubmission: "consent" in result };
  const location = await provider.interactionResult(exchange.req, exchange.res, result, options);
  exchange.status = 303;
  exchange.redirect(location);
}

function show(exchange: Exchange, html: string): void {
  exchange.type = "html";
  exchange.body = html;
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of request) text += decoder.decode(chunk as Uint8Array, { stream: true });
  return new URLSearchParams(text + decoder.decode());
}

/** The pages that oidc-provider lets its operator write; the built-in ones announce themselves on the console. */
export const deviceFlowPages: Record<string, unknown> = {
  userCodeInputSource(
    exchange: Exchange,
    form: string,
    _out: unknown,
    error?: { name: string; message: string },
  ) {
    const outcome = error === undefined ? undefined : error.name === "AbortedError" ? "aborted" : "error";
    const note = error === undefined ? "Enter the code displayed on your device" : error.message;
    const submit = `<button type="submit" form="op.deviceInputForm">Continue</button>`;
    exchange.body = page("Device sign-in", `<p>${escapeHtml(note)}</p>${form}${submit}`, outcome);
  },
  userCodeConfirmSource(
    exchange: Exchange,
    form: string,
    client: { clientId: string },
    _device: unknown,
    code: string,
  ) {
    const buttons = `<button type="submit" form="op.deviceConfirmForm">Continue</button>
<button type="submit" form="op.deviceConfirmForm" name="abort" value="yes">Cancel</button>`;
    const question = `<p>${escapeHtml(client.clientId)} shows this code: ${escapeHtml(code)}</p>`;
    exchange.body = page("Confirm device", question + form + buttons);
  },
  successSource(exchange: Exchange) {
    exchange.body = page("Signed in", "<p>You can close this page.</p>", "success");
  },
};

export const logoutPages: Record<string, unknown> = {
  logoutSource(exchange: Exchange, form: string) {
    const button = `<button type="submit" form="op.logoutForm" name="logout" value="yes">Sign out</button>`;
    exchange.body = page("Sign out", form + button);
  },
  postLogoutSuccessSource(exchange: Exchange) {
    exchange.body = page("Signed out", "", "success");
  },
};

/** The page for an error that cannot go back to the client. */
export function renderError(exchange: Exchange, out: Record<string, string>): void {
  exchange.type = "html";
  const lines = Object.entries(out).map(([name, value]) =>
    `<p>${escapeHtml(name)}: ${escapeHtml(value)}</p>`
  );
  exchange.body = page("Cannot continue", lines.join(""), "error");
}
