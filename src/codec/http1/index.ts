/** HTTP/1.1 messages, bytes in and out. */
export {};
