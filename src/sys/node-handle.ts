/**
 * What is below a socket of Node's: its descriptor, and the switch that stops reading. Node has no public way to
 * either, and a socket that is handed to another process needs both; where they are not found, nothing is handed on.
 */

/** A libuv handle, as far as it is needed here. */
export interface NodeHandle {
  readonly descriptor: number;
  /** Calls a method without arguments, if the handle has it. Returns whether it had. */
  call(method: string): boolean;
  /** Node keeps a note of whether it reads beside the handle. */
  note(name: string, value: boolean): void;
}

/** Of a net.Socket, a net.Server, or a dgram.Socket; undefined when there is none or it cannot be found. */
export function handleOf(socket: object): NodeHandle | undefined {
  const found = objectAt(socket, '_handle') ?? objectAt(stateOf(socket), 'handle');
  if (found === undefined) return undefined;
  const descriptor: unknown = Reflect.get(found, 'fd');
  if (typeof descriptor !== 'number' || descriptor < 0) return undefined;
  return {
    descriptor,
    call: (method) => {
      const member: unknown = Reflect.get(found, method);
      if (typeof member !== 'function') return false;
      Reflect.apply(member, found, []);
      return true;
    },
    note: (name, value) => void Reflect.set(found, name, value),
  };
}

/** Datagram sockets keep theirs in a state of their own. */
function stateOf(socket: object): object | undefined {
  const symbol = Object.getOwnPropertySymbols(socket).find(
    ({ description }) => description === 'state symbol',
  );
  return symbol === undefined ? undefined : objectAt(socket, symbol);
}

function objectAt(owner: object | undefined, key: string | symbol): object | undefined {
  const found: unknown = owner === undefined ? undefined : Reflect.get(owner, key);
  return typeof found === 'object' && found !== null ? found : undefined;
}
