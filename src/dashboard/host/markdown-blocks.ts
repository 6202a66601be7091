/** Markdown as a list of blocks: sanitised HTML, or code. */
import DOMPurify from "dompurify";
import { Lexer, Marked } from "marked";

export type MarkdownBlock =
  | { readonly kind: "html"; readonly key: number; readonly html: string }
  | {
      readonly kind: "code";
      readonly key: number;
      readonly code: string;
      readonly language: string;
    };

/** HTML in a message is text: it is shown as it was written. */
const marked = new Marked({
  gfm: true,
  breaks: false,
  async: false,
  renderer: {
    html: ({ text, block }) => (block ? `<p>${escaped(text)}</p>` : escaped(text)),
  },
});

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const allowedTags = (
  "p br hr strong em del code pre blockquote a h1 h2 h3 h4 h5 h6 ul ol li " +
  "table thead tbody tr th td sup sub kbd"
).split(" ");

/** No style, no class, no id: nothing in a message can dress up as a part of the page. */
const allowedAttributes = ["href", "title", "align", "start"];

const safeLink = /^(?:https?|mailto):/i;

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName !== "A") return;
  if (!safeLink.test(node.getAttribute("href") ?? "")) node.removeAttribute("href");
  node.setAttribute("target", "_blank");
  node.setAttribute("rel", "noopener noreferrer");
});

/** HTML by its markdown source. Streaming reads the same finished blocks again with every frame. */
const known = new Map<string, string>();
const knownLimit = 500;

export function readMarkdown(text: string): MarkdownBlock[] {
  const tokens = new Lexer({ gfm: true, breaks: false }).lex(text);
  const blocks: MarkdownBlock[] = [];
  for (const [key, token] of tokens.entries()) {
    if (token.type === "space" || token.type === "def") continue;
    if (token.type === "code" && "text" in token) {
      const language = "lang" in token && typeof token.lang === "string" ? token.lang : "";
      blocks.push({ kind: "code", key, code: String(token.text), language });
    } else {
      blocks.push({ kind: "html", key, html: htmlOf(token.raw) });
    }
  }
  return blocks;
}

function htmlOf(source: string): string {
  const kept = known.get(source);
  if (kept !== undefined) return kept;
  const html = DOMPurify.sanitize(marked.parse(source, { async: false }), {
    ALLOWED_TAGS: allowedTags,
    ALLOWED_ATTR: allowedAttributes,
    ALLOW_DATA_ATTR: false,
  });
  if (known.size >= knownLimit) known.clear();
  known.set(source, html);
  return html;
}
