import { createHash, createPublicKey, sign, verify, type KeyObject } from 'node:crypto'

/**
 * Signed notes and checkpoints as C2SP signed-note and tlog-checkpoint define them, so that outside
 * tools can check them: the signature is Ed25519 over the text up to and with its last newline.
 */
export interface Checkpoint {
  readonly origin: string
  readonly size: number
  readonly root: Buffer
}

export interface SigningKey {
  readonly name: string
  readonly privateKey: KeyObject
}

export function checkpointText(checkpoint: Checkpoint): string {
  return `${checkpoint.origin}\n${checkpoint.size}\n${checkpoint.root.toString('base64')}\n`
}

export function signedNote(text: string, key: SigningKey): string {
  const publicKey = rawPublicKey(key.privateKey)
  const signature = sign(null, Buffer.from(text), key.privateKey)
  const signed = Buffer.concat([keyId(key.name, publicKey), signature]).toString('base64')
  return `${text}\n— ${key.name} ${signed}\n`
}

/** The key by which anybody can check notes: `<name>+<hex key id>+<base64(0x01 || public key)>`. */
export function verifierKey(key: SigningKey): string {
  const publicKey = rawPublicKey(key.privateKey)
  const typed = Buffer.concat([Buffer.from([1]), publicKey])
  return `${key.name}+${keyId(key.name, publicKey).toString('hex')}+${typed.toString('base64')}`
}

/** The checkpoint in a note, or undefined if it is not one signed by the key of `verifier`. */
export function checkpointIn(note: string, verifier: string): Checkpoint | undefined {
  const key = verifierIn(verifier)
  const end = note.lastIndexOf('\n\n— ')
  if (end < 0 || key === undefined) return undefined
  const text = note.slice(0, end + 1)
  const isSigned = note
    .slice(end + 2)
    .split('\n')
    .some((line) => isSignature(line, text, key))
  if (!isSigned) return undefined
  const [, origin, size, root] = /^([^\n]+)\n(0|[1-9]\d*)\n([A-Za-z0-9+/]{43}=)\n/.exec(text) ?? []
  if (origin === undefined || root === undefined) return undefined
  return { origin, size: Number(size), root: Buffer.from(root, 'base64') }
}

/** Whether a line is the key's signature of the text. Notes may be signed by others too, and by older keys of one name. */
function isSignature(line: string, text: string, key: { name: string; raw: Buffer }): boolean {
  const prefix = `— ${key.name} `
  if (!line.startsWith(prefix)) return false
  const signature = Buffer.from(line.slice(prefix.length), 'base64')
  return (
    signature.length === 4 + 64 &&
    signature.subarray(0, 4).equals(keyId(key.name, key.raw)) &&
    verify(null, Buffer.from(text), publicKeyOf(key.raw), signature.subarray(4))
  )
}

function verifierIn(verifier: string): { name: string; raw: Buffer } | undefined {
  const [, name, id, encoded] = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(verifier) ?? []
  if (name === undefined || encoded === undefined) return undefined
  const typed = Buffer.from(encoded, 'base64')
  const raw = typed.subarray(1)
  const isEd25519 = typed.length === 33 && typed[0] === 1
  return isEd25519 && keyId(name, raw).toString('hex') === id ? { name, raw } : undefined
}

function keyId(name: string, rawPublic: Buffer): Buffer {
  return createHash('sha256')
    .update(`${name}\n`)
    .update(Buffer.from([1]))
    .update(rawPublic)
    .digest()
    .subarray(0, 4)
}

// An Ed25519 SPKI is a fixed 12-byte prefix and the 32 bytes of the key (RFC 8410).
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

function rawPublicKey(privateKey: KeyObject): Buffer {
  return createPublicKey(privateKey)
    .export({ format: 'der', type: 'spki' })
    .subarray(SPKI_PREFIX.length)
}

function publicKeyOf(raw: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: 'der', type: 'spki' })
}
