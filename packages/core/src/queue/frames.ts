/**
 * The frame protocol between an engine and an application: docs/frames.md. Must be kept in step with `native/common/frames.h`;
 * `test/unit/frames.test.ts` holds the two tables against each other. Names are those of the C++ constants without their `k`.
 */

export const ProtocolMajor = 1;
export const ProtocolMinor = 6;
/** The first one in which DETACH is answered. */
export const MinorWithDetached = 3;
/** The first one in which a response may name a file. */
export const MinorWithFiles = 4;
/** The first one with fragments. */
export const MinorWithFragments = 5;
/** The first one with wide windows. */
export const MinorWithWideWindows = 6;

/** u32 length, u8 type, u8 flags, u16 aux, u32 id. */
export const HeaderBytes = 12;
export const FrameBytesMax = 17 * 1024 * 1024;
export const BodyWindowBytes = 64 * 1024;
export const ResponseWindowBytes = 256 * 1024;
export const WideWindowBytes = 1024 * 1024;
export const AttachKeyBytes = 16;
export const ClientErrorBytes = 16 * 1024;
export const RawBytesMax = 64 * 1024;
export const FilePathBytesMax = 32 * 1024;
export const FragmentNameBytesMax = 16 * 1024;

/** Low bits of an id that name its slot; the rest is a generation. */
export const SlotMask = 0xfffff;

// engine to application
export const Connection = 0x01;
export const Request = 0x02;
export const Body = 0x03;
export const BodyEnd = 0x04;
export const Aborted = 0x05;
export const ConnectionClosed = 0x06;
export const Attached = 0x07;
export const ClientError = 0x08;
export const Dropped = 0x09;
export const RequestFacts = 0x0a;
export const Detached = 0x0b;
export const FragmentUsed = 0x0c;
export const FragmentAdded = 0x0d;
// both directions
export const Credit = 0x10;
export const Opaque = 0x11;
// application to engine
export const Attach = 0x20;
export const Response = 0x21;
export const Informational = 0x22;
export const Data = 0x23;
export const End = 0x24;
export const Cancel = 0x25;
export const CloseConnections = 0x26;
export const Detach = 0x27;
export const Raw = 0x28;
export const AddFragment = 0x29;
// control channel
export const Hello = 0x40;
export const OpenQueue = 0x41;
export const AddUrl = 0x42;
export const RemoveUrl = 0x43;
export const SetProperty = 0x44;
export const FlushCache = 0x45;
export const QueryState = 0x46;
export const CloseQueue = 0x47;
export const Reply = 0x4f;

// tags of optional blocks
export const BlockTls = 1;
export const BlockServerName = 2;
export const BlockClientCertificate = 3;
export const BlockVersion = 1;
export const BlockUser = 2;
export const BlockFile = 1;
export const BlockFragment = 2;

export const ConnectionEncrypted = 0x01;

export const RequestEnd = 0x01;
export const RequestKeepAlive = 0x02;
export const RequestHttp10 = 0x04;
export const RequestExpectContinue = 0x08;
export const RequestUpgrade = 0x10;
export const RequestChunked = 0x20;
export const RequestExpectOther = 0x40;
export const RequestUnstorable = 0x80;
/** In the aux field of REQUEST, above the method code. */
export const RequestWideWindow = 0x0100;

export const BodyIsLast = 0x01;

export const ResponseEnd = 0x01;
export const ResponsePolicy = 0x02;
export const ResponseNoDate = 0x04;
export const ResponseClose = 0x08;
export const ResponseOpaque = 0x10;
export const ResponseNoConnection = 0x20;
export const ResponseUntilClose = 0x40;
export const ResponseStays = 0x80;

export const DataEnd = 0x01;

export const EndKeepBody = 0x01;

export const OpaqueIsLast = 0x01;
export const OpaqueClose = 0x02;

export const RawIsLast = 0x01;

export const CloseIdle = 0x01;
export const CloseAll = 0x02;

export const AbortClientClosed = 1;
export const AbortClientReset = 2;
export const AbortTimeout = 3;
export const AbortMalformedBody = 4;
export const AbortResponse = 5;
export const AbortEngine = 6;

export const ClientErrorOther = 0;
export const ClientErrorMethod = 1;
export const ClientErrorUrl = 2;
export const ClientErrorVersion = 3;
export const ClientErrorLineEnd = 4;
export const ClientErrorHeader = 5;
export const ClientErrorHeaderOverflow = 6;
export const ClientErrorContentLength = 7;
export const ClientErrorTransferEncoding = 8;
export const ClientErrorChunk = 9;
export const ClientErrorRepeatedLength = 10;
export const ClientErrorEof = 11;
export const ClientErrorTimeout = 12;
export const ClientErrorReset = 13;
export const ClientErrorLineFeed = 14;
export const ClientErrorChunkExtensions = 15;

export const FragmentSent = 0;
export const FragmentMissing = 1;

export const FragmentStored = 0;
export const FragmentInvalid = 1;
export const FragmentTooLarge = 2;
export const FragmentFailed = 3;

export const PolicyNone = 0;
export const PolicyTimeToLive = 1;
export const PolicyUntilFlushed = 2;
