/**
 * What names, labels and ports may be called: each check returns the API server's sentences for what is wrong,
 * none when the text is fine (apimachinery's util/validation, Kubernetes 1.36).
 */

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomain = `${label}(\\.${label})*`;
const qualifiedName = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const labelValue = `(${qualifiedName})?`;

const wholeLabel = new RegExp(`^${label}$`);
const wholeSubdomain = new RegExp(`^${subdomain}$`);
const wholeQualifiedName = new RegExp(`^${qualifiedName}$`);
const wholeLabelValue = new RegExp(`^${labelValue}$`);

const labelRule = explain(
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  ['my-name', '123-abc'],
  label,
);
const subdomainRule = explain(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  ['example.com'],
  subdomain,
);
const qualifiedNameRule = explain(
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  ['MyName', 'my.name', '123-abc'],
  qualifiedName,
);
const labelValueRule = explain(
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  ['MyValue', 'my_value', '12345'],
  labelValue,
);

/** An RFC 1123 label: Namespaces, Services, port names. */
export function dnsLabelProblems(text: string): readonly string[] {
  const problems = tooLong(text, 63);
  if (wholeLabel.test(text)) return problems;
  return [...problems, wholeSubdomain.test(text) ? 'must not contain dots' : labelRule];
}

/** An RFC 1123 subdomain: most other names. */
export function dnsSubdomainProblems(text: string): readonly string[] {
  return [...tooLong(text, 253), ...(wholeSubdomain.test(text) ? [] : [subdomainRule])];
}

/** A label or annotation key: a name, with `PREFIX/` before it or without. */
export function qualifiedNameProblems(text: string): readonly string[] {
  const parts = text.split('/');
  const name = parts.at(-1) ?? '';
  if (parts.length > 2) {
    return [
      `a qualified name ${qualifiedNameRule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const problems: string[] = [];
  const prefix = parts.length === 2 ? parts[0] : undefined;
  if (prefix === '') problems.push('prefix part must be non-empty');
  else if (prefix !== undefined) {
    problems.push(...dnsSubdomainProblems(prefix).map((problem) => `prefix part ${problem}`));
  }
  if (name === '') problems.push('name part must be non-empty');
  else problems.push(...tooLong(name, 63).map((problem) => `name part ${problem}`));
  if (!wholeQualifiedName.test(name)) problems.push(`name part ${qualifiedNameRule}`);
  return problems;
}

/** The name of a controller: a domain, a slash, and a path. */
export function domainPrefixedPathProblems(text: string): readonly string[] {
  const [domain = '', ...path] = text.split('/');
  if (domain === '' || path.join('/') === '') {
    return ['must be a domain-prefixed path (such as "acme.io/foo")'];
  }
  return dnsSubdomainProblems(domain);
}

export function labelValueProblems(text: string): readonly string[] {
  return [...tooLong(text, 63), ...(wholeLabelValue.test(text) ? [] : [labelValueRule])];
}

/** An IANA service name: a container port's name, and a targetPort that is one. */
export function portNameProblems(text: string): readonly string[] {
  const problems = [...tooLong(text, 15)];
  if (!/^[-a-z0-9]+$/.test(text)) {
    problems.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  }
  if (!/[a-z]/.test(text)) problems.push('must contain at least one letter (a-z)');
  if (text.includes('--')) problems.push('must not contain consecutive hyphens');
  if (text.startsWith('-') || text.endsWith('-')) {
    problems.push('must not begin or end with a hyphen');
  }
  return problems;
}

function tooLong(text: string, limit: number): readonly string[] {
  return text.length > limit ? [`must be no more than ${limit} characters`] : [];
}

/** Kubernetes' way of naming examples and the expression, odd spacing included. */
function explain(rule: string, examples: readonly string[], expression: string): string {
  const named = examples.map((example) => `'${example}', `).join(' or ');
  return `${rule} (e.g. ${named}regex used for validation is '${expression}')`;
}

/** What may stand between two slashes of a path. */
export function pathSegmentProblems(text: string): readonly string[] {
  if (text === '.' || text === '..') return [`may not be '${text}'`];
  return ['/', '%'].filter((bad) => text.includes(bad)).map((bad) => `may not contain '${bad}'`);
}
