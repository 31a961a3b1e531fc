/** Collects what is wrong with an object's fields, in the API server's words and order. */
import { formatValue, type StatusCause } from '../kube/index.ts';

export class Problems {
  private readonly found: StatusCause[] = [];

  get causes(): readonly StatusCause[] {
    return this.found;
  }

  invalid(field: string, value: unknown, detail: string): void {
    const message = `Invalid value: ${formatValue(value)}: ${detail}`;
    this.found.push({ reason: 'FieldValueInvalid', field, message });
  }

  /** Adds an invalid value for each of these sentences. */
  invalidEach(field: string, value: unknown, details: readonly string[]): void {
    for (const detail of details) this.invalid(field, value, detail);
  }

  /** The value is of a type the field cannot have. */
  wrongType(field: string, value: unknown, detail: string): void {
    const message = `Invalid value: ${shorten(formatValue(value))}: ${detail}`;
    this.found.push({ reason: 'FieldValueTypeInvalid', field, message });
  }

  required(field: string, detail = ''): void {
    const message = detail === '' ? 'Required value' : `Required value: ${detail}`;
    this.found.push({ reason: 'FieldValueRequired', field, message });
  }

  /** `supported` in the order to be shown. */
  notSupported(field: string, value: unknown, supported: readonly string[]): void {
    const names = supported.map((name) => JSON.stringify(name)).join(', ');
    const message = `Unsupported value: ${formatValue(value)}: supported values: ${names}`;
    this.found.push({ reason: 'FieldValueNotSupported', field, message });
  }

  duplicate(field: string, value: unknown): void {
    const message = `Duplicate value: ${formatValue(value)}`;
    this.found.push({ reason: 'FieldValueDuplicate', field, message });
  }

  forbidden(field: string, detail: string): void {
    this.found.push({ reason: 'FieldValueForbidden', field, message: `Forbidden: ${detail}` });
  }

  tooLong(field: string, limitBytes: number): void {
    const message = `Too long: may not be more than ${limitBytes} bytes`;
    this.found.push({ reason: 'FieldValueTooLong', field, message });
  }

  tooMany(field: string, count: number, limit: number): void {
    const message = `Too many: ${count}: must have at most ${limit} items`;
    this.found.push({ reason: 'FieldValueTooMany', field, message });
  }
}

/** A whole object in the place of a number need not be shown to its end. */
function shorten(text: string): string {
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}
