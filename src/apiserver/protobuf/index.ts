/** Bodies in protobuf, of the kinds that common clients send so. */
export { decodeProtobuf, protobufType } from './decode.ts';
