/** What can go wrong between a command and a running instance. */
import {
  CodedError,
  type CodedErrorOptions,
  type CodeOf,
  type ErrorTable,
} from '../model/index.ts';

export const controlErrors = {
  user: {
    CONTROL_NONE_RUNNING: 'No instance of Switchyard is running for this user',
    CONTROL_SEVERAL_RUNNING: 'Several instances are running and the command names none',
    CONTROL_NOT_RUNNING: 'The instance named is not running',
    CONTROL_INSTANCE_TAKEN: 'An instance of that name is running already',
    CONTROL_NAME_INVALID: 'The name cannot be an instance: 1 to 40 of a-z, 0-9 and -',
    CONTROL_NO_HOME: 'Neither XDG_RUNTIME_DIR nor HOME says where instances live',
    CONTROL_VERSION_MISMATCH: 'The command and the instance are of versions that do not fit',
    CONTROL_BAD_REQUEST: 'The instance does not take the request or one of its values',
    CONTROL_NO_WORKLOADS: 'The instance runs no Pods of its own',
    CONTROL_NO_NAMES: 'The instance answers no names',
    CONTROL_NO_GATEWAY: 'The instance has no gateway for requests',
    CONTROL_SERVICE_NOT_FOUND: 'The instance forwards no Service of that name',
    CONTROL_PORT_NOT_FOUND: 'The Service has no such port, or not over TCP',
    CONTROL_PORT_NEEDED: 'The Service has several ports and the command names none',
    CONTROL_FRONTEND_CLAIMED: 'Another Service has the address and port of a frontend',
    CONTROL_NO_ENDPOINTS: 'A frontend does not answer: the Service has no endpoint to use',
  },
  ours: {
    CONTROL_STARTING: 'The instance is not yet done with starting',
    CONTROL_NOT_REACHABLE: 'No frontend of the Service answers',
    CONTROL_TIMED_OUT: 'The instance did not answer in time',
    CONTROL_FAILED: 'The instance failed on the request, or the way to it did',
  },
} as const satisfies ErrorTable;

export interface ControlErrorOptions extends CodedErrorOptions {
  readonly details?: readonly string[];
}

export class ControlError extends CodedError<CodeOf<typeof controlErrors>> {
  /** One a line, for people: what to choose from. */
  readonly details: readonly string[];

  constructor(
    code: CodeOf<typeof controlErrors>,
    message: string,
    options: ControlErrorOptions = {},
  ) {
    super(code, message, options);
    this.details = options.details ?? [];
  }
}

/** What a running instance refused, with its own code: any room's, so not one of the table above. */
export class RemoteError extends CodedError {
  readonly details: readonly string[];

  constructor(code: string, message: string, options: ControlErrorOptions = {}) {
    super(code, message, options);
    this.details = options.details ?? [];
  }
}
