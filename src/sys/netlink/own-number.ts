/** The number by which routes and devices are known to be Switchyard's: of those free for everybody (rtnetlink(7)). */
export const ownProtocol = 183;
