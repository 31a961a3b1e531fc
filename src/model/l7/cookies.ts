/** Cookies in requests and answers (RFC 6265): read strictly, and never more of them than is worth it. */

/** How the cookie of cookie affinity is sent. */
export interface CookieSettings {
  readonly name: string;
  readonly path: string;
  /** Undefined: only the host that was asked. */
  readonly domain: string | undefined;
  /** Undefined: until the browser is closed. */
  readonly maxAgeSeconds: number | undefined;
  readonly sameSite: 'Strict' | 'Lax' | 'None' | undefined;
  readonly secure: boolean;
  readonly httpOnly: boolean;
}

/** Cookies of one request that are looked at; a browser keeps 180 for a host. */
const maxCookies = 256;

const tokenPattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** cookie-octet: no white space, quote, comma, semicolon or backslash. */
const valuePattern = /^[!#-+\--:<-[\]-~]*$/;
const pathPattern = /^\/[ -:<-~]*$/;
const domainPattern =
  /^[0-9A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?(\.[0-9A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?)*$/;

export function isCookieName(text: string): boolean {
  return text.length <= 128 && tokenPattern.test(text);
}

export function isCookiePath(text: string): boolean {
  return text.length <= 1024 && pathPattern.test(text);
}

export function isCookieDomain(text: string): boolean {
  return text.length <= 253 && domainPattern.test(text);
}

/**
 * The values that a Cookie field has for a name, in order. What is no cookie-pair is passed over, a value in quotes
 * is what stands between them, and nothing is decoded.
 */
export function cookieValues(field: string, name: string): readonly string[] {
  const values: string[] = [];
  let at = 0;
  for (let seen = 0; seen < maxCookies && at < field.length; seen++) {
    const semicolon = field.indexOf(';', at);
    const end = semicolon < 0 ? field.length : semicolon;
    const value = valueOf(field, { at, end }, name);
    if (value !== undefined) values.push(value);
    at = end + 1;
  }
  return values;
}

interface Span {
  readonly at: number;
  readonly end: number;
}

/** Undefined when the pair has another name, or is none. */
function valueOf(field: string, span: Span, name: string): string | undefined {
  let { at, end } = span;
  while (at < end && isBlank(field, at)) at++;
  while (end > at && isBlank(field, end - 1)) end--;
  if (field[at + name.length] !== '=' || !field.startsWith(name, at)) return undefined;
  at += name.length + 1;
  const quoted = end - at >= 2 && field[at] === '"' && field[end - 1] === '"';
  const value = quoted ? field.slice(at + 1, end - 1) : field.slice(at, end);
  return valuePattern.test(value) ? value : undefined;
}

function isBlank(field: string, at: number): boolean {
  return field[at] === ' ' || field[at] === '\t';
}

/** The Set-Cookie field's value. */
export function formatSetCookie(settings: CookieSettings, value: string): string {
  const { name, path, domain, maxAgeSeconds, sameSite, secure, httpOnly } = settings;
  return [
    `${name}=${value}`,
    `Path=${path}`,
    ...(domain === undefined ? [] : [`Domain=${domain}`]),
    ...(maxAgeSeconds === undefined ? [] : [`Max-Age=${maxAgeSeconds}`]),
    ...(sameSite === undefined ? [] : [`SameSite=${sameSite}`]),
    ...(secure ? ['Secure'] : []),
    ...(httpOnly ? ['HttpOnly'] : []),
  ].join('; ');
}
