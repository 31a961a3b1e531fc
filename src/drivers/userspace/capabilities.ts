/** What this driver can do, as data: whoever composes looks here, never at the driver's name. */
import {
  pickableSchedulers,
  type DriverCapabilities,
  type PickableScheduler,
} from '../../model/index.ts';

export const userspaceCapabilities: DriverCapabilities<PickableScheduler> = {
  // It calls the specification's own `choose`, so it can do whatever that can.
  schedulers: pickableSchedulers,
  protocols: ['TCP', 'UDP'],
  differences: [
    {
      code: 'client-address',
      why: 'A connection to the endpoint is a socket of this process, with an address of this host',
    },
    {
      code: 'drop-is-reset',
      why: 'The kernel answers every SYN to a listening socket, so the client is reset or refused',
    },
    {
      code: 'reject-is-refused',
      why: 'A Service without endpoints has no listening socket; the host itself refuses',
    },
    {
      code: 'unallocated-address',
      why: 'Nothing listens at an address that no Service has; the host itself refuses',
    },
    {
      code: 'entry-unknown',
      why: 'A socket does not tell through which interface its client came',
    },
  ],
};
