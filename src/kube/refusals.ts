/** The API server's sentences for its refusals, for everything that serves objects. */
import { CodedError, messageOf } from '../model/index.ts';
import { ApiError, type StatusCause, type StatusSubject } from './errors.ts';
import { qualifiedKindOf, resourceOf, type Kind } from './object.ts';

export function notFound(kind: Kind, name: string): ApiError {
  return new ApiError('NotFound', `${resourceOf(kind)} "${name}" not found`, {
    subject: resourceSubject(kind, name),
  });
}

export function alreadyExists(kind: Kind, name: string): ApiError {
  return new ApiError('AlreadyExists', `${resourceOf(kind)} "${name}" already exists`, {
    subject: resourceSubject(kind, name),
  });
}

/** Somebody else changed the object since the caller read it. */
export function modifiedSince(kind: Kind, name: string): ApiError {
  return conflict(
    kind,
    name,
    'the object has been modified; please apply your changes to the latest version and try again',
  );
}

export function conflict(kind: Kind, name: string, reason: string): ApiError {
  return new ApiError(
    'Conflict',
    `Operation cannot be fulfilled on ${resourceOf(kind)} "${name}": ${reason}`,
    { subject: resourceSubject(kind, name) },
  );
}

/** A precondition of a delete does not hold: here the server names the kind, not the resource. */
export function preconditionFailed(kind: Kind, name: string, reason: string): ApiError {
  return new ApiError(
    'Conflict',
    `Operation cannot be fulfilled on ${qualifiedKindOf(kind)} ${JSON.stringify(name)}: ${reason}`,
    { subject: { name, group: kind.group, kind: kind.kind } },
  );
}

export function forbidden(kind: Kind, name: string, reason: string): ApiError {
  return new ApiError('Forbidden', `${resourceOf(kind)} "${name}" is forbidden: ${reason}`, {
    subject: resourceSubject(kind, name),
  });
}

/** It was fine, and could not be kept: a full disk, say. */
export function notStored(kind: Kind, name: string, cause: unknown): ApiError {
  const remedy = cause instanceof CodedError ? cause.remedy : undefined;
  const message = `Cannot store ${resourceOf(kind)} "${name}": ${messageOf(cause)}`;
  return new ApiError('InternalError', message, {
    cause,
    remedy,
    subject: resourceSubject(kind, name),
  });
}

/** One sentence for all causes, `[a, b]` when there are several. */
export function invalid(kind: Kind, name: string, causes: readonly StatusCause[]): ApiError {
  const texts = causes.map((cause) => `${cause.field}: ${cause.message}`);
  const all = texts.length === 1 ? texts.join('') : `[${texts.join(', ')}]`;
  return new ApiError('Invalid', `${qualifiedKindOf(kind)} "${name}" is invalid: ${all}`, {
    causes,
    subject: { name, group: kind.group, kind: kind.kind },
  });
}

function resourceSubject(kind: Kind, name: string): StatusSubject {
  return { name, group: kind.group, kind: kind.plural };
}
