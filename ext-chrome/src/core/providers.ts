/**
 * Which addresses are calls to which provider.
 *
 * Belongs here: the table, with the evidence its timing gives. Does not belong here: matching
 * (`match.ts`), energy (`estimate.ts`). A pattern covers the whole path; hosts are exact.
 */

import type { Call } from "./types";

export interface BytesPerToken {
  readonly low: number;
  readonly mid: number;
  readonly high: number;
}

export interface Rule {
  readonly method: "GET" | "POST";
  /** 101 for the handshake of a WebSocket, else any of 200 to 299. */
  readonly isHandshake: boolean;
  readonly path: RegExp;
  readonly operation: Call["operation"];
}

export interface Provider {
  /** Stable: keys of stored sums and settings. */
  readonly id: string;
  /** A brand; the same in every language. */
  readonly label: string;
  readonly kind: "web" | "api";
  /** `gen_ai.provider.name`, as the event contract has it. */
  readonly provider: string;
  readonly hosts: readonly string[];
  /** Permission that comes with the installation; all others are asked for on a click. */
  readonly isBuiltIn: boolean;
  readonly rules: readonly Rule[];
  /** What the time or size of an answer tells of its tokens; null for neither. */
  readonly timing: { readonly bytesPerToken: BytesPerToken | null } | null;
}

const post = (path: RegExp, operation: Call["operation"] = "chat"): Rule => ({
  method: "POST",
  isHandshake: false,
  path,
  operation,
});
const handshake = (path: RegExp): Rule => ({
  method: "GET",
  isHandshake: true,
  path,
  operation: "chat",
});

/** Paths of APIs in OpenAI's manner, below any prefix. */
const OPENAI_LIKE = [post(/^(?:\/[^/]+)*\/chat\/completions$/)];

function web(
  id: string,
  label: string,
  provider: string,
  hosts: readonly string[],
  rules: readonly Rule[],
  timing: Provider["timing"] = null,
  isBuiltIn = true,
): Provider {
  return { id, label, kind: "web", provider, hosts, isBuiltIn, rules, timing };
}

function api(
  id: string,
  label: string,
  provider: string,
  host: string,
  rules: readonly Rule[] = OPENAI_LIKE,
): Provider {
  return { id, label, kind: "api", provider, hosts: [host], isBuiltIn: false, rules, timing: null };
}

// Bytes on the wire per visible token, with 16, 4 and 1 tokens an event: computed from the formats,
// not measured on the live sites. Where an answer may move to a WebSocket (ChatGPT), repeats itself
// (Gemini) or includes searches (Perplexity), neither size nor time is taken.
const TABLE: readonly Provider[] = [
  web(
    "openai-web",
    "ChatGPT",
    "openai",
    ["chatgpt.com", "chat.openai.com"],
    [post(/^\/backend-(?:api|anon|alt)\/(?:f\/)?conversation$/)],
  ),
  web(
    "anthropic-web",
    "Claude",
    "anthropic",
    ["claude.ai"],
    [post(/^\/api\/organizations\/[^/]+\/chat_conversations\/[^/]+\/(?:retry_)?completion$/)],
    { bytesPerToken: { low: 11, mid: 33, high: 119 } },
  ),
  web(
    "google-web",
    "Gemini",
    "gcp.gemini",
    ["gemini.google.com"],
    [
      post(
        /^(?:\/u\/\d{1,3})?\/_\/BardChatUi\/data\/assistant\.lamda\.BardFrontendService\/StreamGenerate$/,
      ),
    ],
    { bytesPerToken: null },
  ),
  web(
    "microsoft-web",
    "Copilot",
    "microsoft",
    ["copilot.microsoft.com"],
    [handshake(/^\/c\/api\/(?:eval\/)?chat$/)],
  ),
  web(
    "microsoft-work",
    "Microsoft 365 Copilot",
    "microsoft",
    ["substrate.office.com"],
    [handshake(/^\/m365Copilot\/Chathub(?:\/.*)?$/)],
    null,
    false,
  ),
  web(
    "perplexity-web",
    "Perplexity",
    "perplexity",
    ["www.perplexity.ai", "perplexity.ai"],
    [post(/^\/rest\/sse\/perplexity_ask$/)],
  ),
  web("mistral-web", "Le Chat", "mistral_ai", ["chat.mistral.ai"], [post(/^\/api\/chat$/)], {
    bytesPerToken: null,
  }),
  web(
    "deepseek-web",
    "DeepSeek",
    "deepseek",
    ["chat.deepseek.com"],
    [post(/^\/api\/v0\/chat\/(?:completion|regenerate|edit_message|continue)$/)],
    { bytesPerToken: { low: 5, mid: 8, high: 20 } },
  ),
  web(
    "xai-web",
    "Grok",
    "x_ai",
    ["grok.com"],
    [post(/^\/rest\/app-chat\/conversations\/(?:new|[^/]+\/responses)$/)],
    { bytesPerToken: { low: 12, mid: 36, high: 131 } },
  ),
  web(
    "xai-x",
    "Grok in X",
    "x_ai",
    ["grok.x.com"],
    [post(/^\/2\/grok\/add_response\.json$/)],
    null,
    false,
  ),
  web(
    "huggingface-web",
    "HuggingChat",
    "hugging_face",
    ["huggingface.co"],
    [post(/^\/chat\/conversation\/[0-9a-f]{24}$/)],
    { bytesPerToken: { low: 6, mid: 12, high: 105 } },
  ),
  api("openai-api", "OpenAI API", "openai", "api.openai.com", [
    post(/^\/v1\/(?:chat\/completions|responses|completions)$/),
    post(/^\/v1\/embeddings$/, "embeddings"),
    post(/^\/v1\/images\/(?:generations|edits|variations)$/, "image_generation"),
    post(/^\/v1\/audio\/(?:speech|transcriptions|translations)$/, "other"),
  ]),
  api("anthropic-api", "Anthropic API", "anthropic", "api.anthropic.com", [
    post(/^\/v1\/messages$/),
  ]),
  api("google-api", "Gemini API", "gcp.gemini", "generativelanguage.googleapis.com", [
    post(
      /^\/v1(?:beta|alpha)?\/models\/(?<model>[A-Za-z0-9._-]{1,100}):(?:generateContent|streamGenerateContent)$/,
    ),
    post(
      /^\/v1(?:beta|alpha)?\/models\/(?<model>[A-Za-z0-9._-]{1,100}):(?:embedContent|batchEmbedContents)$/,
      "embeddings",
    ),
  ]),
  api("mistral-api", "Mistral API", "mistral_ai", "api.mistral.ai"),
  api("deepseek-api", "DeepSeek API", "deepseek", "api.deepseek.com"),
  api("xai-api", "xAI API", "x_ai", "api.x.ai"),
  api("perplexity-api", "Perplexity API", "perplexity", "api.perplexity.ai"),
  api("huggingface-api", "Hugging Face router", "hugging_face", "router.huggingface.co"),
  api("openrouter-api", "OpenRouter", "openrouter", "openrouter.ai"),
  api("groq-api", "Groq", "groq", "api.groq.com"),
];

function frozen(provider: Provider): Provider {
  for (const rule of provider.rules) Object.freeze(rule);
  Object.freeze(provider.rules);
  Object.freeze(provider.hosts);
  if (provider.timing !== null) Object.freeze(provider.timing);
  return Object.freeze(provider);
}

/** Every provider known without the person's help; nobody can change it. */
export const PROVIDERS: readonly Provider[] = Object.freeze(TABLE.map(frozen));

const BY_ID: ReadonlyMap<string, Provider> = new Map(PROVIDERS.map((p) => [p.id, p]));

/** The provider of the table with an id, or null. */
export function providerById(id: string): Provider | null {
  return BY_ID.get(id) ?? null;
}

/** Origins whose permission a provider needs, as match patterns. */
export function originsOf(provider: Provider): readonly string[] {
  const schemes = provider.rules.some((rule) => rule.isHandshake) ? ["https", "wss"] : ["https"];
  return provider.hosts.flatMap((host) => schemes.map((scheme) => `${scheme}://${host}/*`));
}
