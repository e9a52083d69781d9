// What static/js/seal.js takes from others; nothing else gets into the bundle.
export { Aes256Gcm, CipherSuite, HkdfSha256 } from "@hpke/core";
export { XWing } from "@hpke/hybridkem-x-wing";
export { verifyAsync as verifyEd25519 } from "@noble/ed25519";
