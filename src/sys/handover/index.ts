/** Hands what the kernel keeps for this process to another: descriptors, and children with their output. */
export { adoptChild } from './adopt-child.ts';
export type { Channel, Message } from './channel.ts';
export { HandoverError, handoverErrors } from './errors.ts';
export { joinMeeting, openMeeting } from './meeting.ts';
export type { Meeting } from './meeting.ts';
