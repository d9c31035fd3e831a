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
  const end = note.indexOf('\n\n')
  const [name, , encoded] = splitVerifier(verifier)
  if (end < 0 || name === undefined || encoded === undefined) return undefined
  const text = note.slice(0, end + 1)
  const line = note
    .slice(end + 2)
    .split('\n')
    .find((each) => each.startsWith(`— ${name} `))
  if (line === undefined) return undefined
  const raw = Buffer.from(encoded, 'base64').subarray(1)
  const signature = Buffer.from(line.slice(`— ${name} `.length), 'base64')
  if (!signature.subarray(0, 4).equals(keyId(name, raw))) return undefined
  if (!verify(null, Buffer.from(text), publicKeyOf(raw), signature.subarray(4))) return undefined
  const [origin, size, root] = text.split('\n')
  if (origin === undefined || size === undefined || root === undefined) return undefined
  return { origin, size: Number(size), root: Buffer.from(root, 'base64') }
}

function splitVerifier(verifier: string): string[] {
  const first = verifier.indexOf('+')
  const second = verifier.indexOf('+', first + 1)
  return [verifier.slice(0, first), verifier.slice(first + 1, second), verifier.slice(second + 1)]
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
