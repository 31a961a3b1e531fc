/**
 * Label selectors in Kubernetes' full syntax, with the API server's words for what is wrong with one:
 * `app=web,tier!=front,zone in (a,b),env notin (dev),canary,!legacy,weight > 3`.
 */
import { ApiError } from './errors.ts';
import { labelValueProblems, qualifiedNameProblems } from './names.ts';

export type Labels = Readonly<Record<string, string>>;

/** One condition; all of a selector's must hold. */
type Requirement = (labels: Labels) => boolean;

export interface LabelSelector {
  matches(labels: Labels | undefined): boolean;
}

const binaryOperators = ['in', 'notin', '=', '==', '!=', 'gt', 'lt'] as const;
const symbols: readonly string[] = [')', ',', '!', '==', '=', '>', '<', '!=', '('];
const none: Labels = {};

/** Throws BadRequest when the text is no selector. The empty text selects everything. */
export function parseLabelSelector(text: string): LabelSelector {
  const requirements = new Parser(tokenize(text)).parse();
  return {
    matches: (labels) => requirements.every((requirement) => requirement(labels ?? none)),
  };
}

type Token =
  | { readonly kind: 'identifier'; readonly text: string }
  | { readonly kind: 'symbol'; readonly text: string }
  | { readonly kind: 'end'; readonly text: '' };

const end: Token = { kind: 'end', text: '' };

/** Splits as Kubernetes' lexer does: the longest symbol wins, everything else up to a symbol is a word. */
function tokenize(text: string): readonly Token[] {
  const words = text.match(/[=!<>(),]|[^\s=!<>(),]+/g) ?? [];
  const tokens: Token[] = [];
  let from = 0;
  for (const word of words) {
    const at = text.indexOf(word, from);
    const previous = tokens.at(-1);
    const joined = `${previous?.text ?? ''}${word}`;
    if (at === from && previous?.kind === 'symbol' && ['==', '!='].includes(joined)) {
      tokens[tokens.length - 1] = { kind: 'symbol', text: joined };
    } else {
      tokens.push({ kind: symbols.includes(word) ? 'symbol' : 'identifier', text: word });
    }
    from = at + word.length;
  }
  return tokens;
}

class Parser {
  private readonly tokens: readonly Token[];
  private position = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  parse(): readonly Requirement[] {
    const requirements: Requirement[] = [];
    if (this.peek().kind === 'end') return requirements;
    for (;;) {
      const first = this.peek();
      if (first.kind !== 'identifier' && first.text !== '!') {
        throw refuse(`found '${first.text}', expected: !, identifier, or 'end of string'`);
      }
      requirements.push(this.requirement());
      const after = this.take();
      if (after.kind === 'end') return requirements;
      if (after.text !== ',') {
        throw refuse(`found '${after.text}', expected: ',' or 'end of string'`);
      }
      const next = this.peek();
      if (next.kind !== 'identifier' && next.text !== '!') {
        throw refuse(`found '${next.text}', expected: identifier after ','`);
      }
    }
  }

  private peek(): Token {
    return this.tokens[this.position] ?? end;
  }

  private take(): Token {
    const token = this.peek();
    this.position++;
    return token;
  }

  private requirement(): Requirement {
    const negated = this.peek().text === '!';
    if (negated) this.take();
    const token = this.take();
    const key = token.text;
    if (token.kind !== 'identifier') {
      throw refuseRequirement(`found '${key}', expected: identifier`);
    }
    const [problem] = qualifiedNameProblems(key);
    if (problem !== undefined) {
      throw refuseRequirement(`key: Invalid value: ${JSON.stringify(key)}: ${problem}`);
    }
    const next = this.peek();
    if (negated) return (labels) => valueOf(labels, key) === undefined;
    if (next.kind === 'end' || next.text === ',')
      return (labels) => valueOf(labels, key) !== undefined;
    return this.comparison(key);
  }

  private comparison(key: string): Requirement {
    const operator = this.take().text;
    switch (operator) {
      case 'in':
      case 'notin': {
        const values = this.valueList(key);
        const wanted = operator === 'in';
        // A label that is absent is not in any set.
        return (labels) => {
          const value = valueOf(labels, key);
          return (value !== undefined && values.has(value)) === wanted;
        };
      }
      case '=':
      case '==': {
        const value = this.value(key);
        return (labels) => valueOf(labels, key) === value;
      }
      case '!=': {
        const value = this.value(key);
        return (labels) => valueOf(labels, key) !== value;
      }
      case '>':
      case '<':
        return this.ordering(key, operator);
      default:
        throw refuseRequirement(`found '${operator}', expected: ${binaryOperators.join(', ')}`);
    }
  }

  private ordering(key: string, operator: '>' | '<'): Requirement {
    const text = this.value(key);
    const limit = integerOf(text);
    if (limit === undefined) {
      throw refuseRequirement(
        `values[0][${key}]: Invalid value: ${JSON.stringify(text)}: for 'Gt', 'Lt' operators, the value must be an integer`,
      );
    }
    return (labels) => {
      const value = integerOf(valueOf(labels, key) ?? '');
      if (value === undefined) return false;
      return operator === '>' ? value > limit : value < limit;
    };
  }

  /** The word behind an operator; it may be empty. */
  private value(key: string): string {
    const next = this.peek();
    if (next.kind === 'end' || next.text === ',') return '';
    const token = this.take();
    if (token.kind !== 'identifier') {
      throw refuseRequirement(`found '${token.text}', expected: identifier`);
    }
    return checkValue(key, token.text);
  }

  /** `(a,b)`; `(a,)` also holds the empty value. */
  private valueList(key: string): ReadonlySet<string> {
    const open = this.take();
    if (open.text !== '(') throw refuseRequirement(`found '${open.text}' expected: '('`);
    if (this.peek().text === ')') {
      throw refuseRequirement(
        `values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty`,
      );
    }
    const values = new Set<string>();
    for (;;) {
      const word = this.peek().kind === 'identifier' ? this.take().text : '';
      values.add(checkValue(key, word));
      const next = this.take();
      if (next.text === ')') return values;
      if (next.text !== ',') {
        throw refuseRequirement(`found '${next.text}', expected: ',' or ')'`);
      }
    }
  }
}

function checkValue(key: string, value: string): string {
  const [problem] = labelValueProblems(value);
  if (problem !== undefined) {
    throw refuseRequirement(
      `values[0][${key}]: Invalid value: ${JSON.stringify(value)}: ${problem}`,
    );
  }
  return value;
}

/** Own keys only: every object has a `constructor`. */
function valueOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

function integerOf(text: string): bigint | undefined {
  return /^[+-]?[0-9]{1,19}$/.test(text) ? BigInt(text.replace(/^\+/, '')) : undefined;
}

function refuseRequirement(reason: string): ApiError {
  return refuse(`unable to parse requirement: ${reason}`);
}

function refuse(reason: string): ApiError {
  return new ApiError('BadRequest', reason, {
    remedy: "Write a selector like 'app=web,tier in (front,back),!legacy'",
  });
}
