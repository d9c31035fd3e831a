import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkpointIn, checkpointText, signedNote, verifierKey, type SigningKey } from './note.ts'

// The example of Go's golang.org/x/mod/sumdb/note: its seed, its verifier key, its signed note.
const SEED = Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(1)
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
const NEUMANN: SigningKey = {
  name: 'PeterNeumann',
  privateKey: createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, SEED]),
    format: 'der',
    type: 'pkcs8',
  }),
}
const WORDS =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"

const newKey = (name: string): SigningKey => ({
  name,
  privateKey: generateKeyPairSync('ed25519').privateKey,
})

test("keys and signatures are those of Go's note package, byte for byte", () => {
  expect(verifierKey(NEUMANN)).toBe(
    'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  )
  expect(signedNote(WORDS, NEUMANN)).toBe(
    `${WORDS}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`,
  )
})

test('a checkpoint survives signing and reading', () => {
  const key = newKey('orrery')
  fc.assert(
    fc.property(
      fc.nat(Number.MAX_SAFE_INTEGER),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      (size, bytes) => {
        const checkpoint = { origin: 'orrery', size, root: Buffer.from(bytes) }
        const note = signedNote(checkpointText(checkpoint), key)
        expect(checkpointIn(note, verifierKey(key))).toEqual(checkpoint)
      },
    ),
  )
})

const key = newKey('orrery')
const text = checkpointText({ origin: 'orrery', size: 12, root: Buffer.alloc(32, 7) })
const note = signedNote(text, key)

test('a changed checkpoint, or one signed by another, is not read', () => {
  const verifier = verifierKey(key)
  expect(checkpointIn(note.replace('\n12\n', '\n13\n'), verifier)).toBeUndefined()
  expect(checkpointIn(note, verifierKey(newKey('orrery')))).toBeUndefined()
  expect(checkpointIn(signedNote(text, newKey('orrery')), verifier)).toBeUndefined()
  expect(checkpointIn(note.replaceAll('orrery', 'mallory'), verifier)).toBeUndefined()
})

test('a signature is found among others, by other names and by older keys of its own', () => {
  const line = (signed: string) => signed.slice(signed.indexOf('\n\n') + 2)
  const others = [signedNote(text, newKey('witness')), signedNote(text, newKey('orrery'))].map(line)
  const cosigned = `${text}\n${others.join('')}${line(note)}`
  expect(checkpointIn(cosigned, verifierKey(key))).toMatchObject({ size: 12 })
})

test('lines after the root belong to the checkpoint and are signed with it', () => {
  const extended = signedNote(`${text}an extension\n`, key)
  expect(checkpointIn(extended, verifierKey(key))).toMatchObject({ origin: 'orrery', size: 12 })
  expect(
    checkpointIn(extended.replace('an extension', 'another'), verifierKey(key)),
  ).toBeUndefined()
})

test.each([
  '',
  '\n\n',
  'orrery\n12\n',
  '\n\n— orrery AAAA\n',
  `${text}\n— orrery \n`,
  `${text}\n— orrery !!!!\n`,
])('what is no note is not read: %j', (wrong) => {
  expect(checkpointIn(wrong, verifierKey(key))).toBeUndefined()
})

test.each([
  'orrery\nfew\nAAAA\n',
  'orrery\n1e3\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n',
  'orrery\n-1\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n',
  'orrery\n012\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n',
  'orrery\n12\nAAAA\n',
  'just words\n',
])('a signed text that is no checkpoint is not read as one: %j', (wrong) => {
  expect(checkpointIn(signedNote(wrong, key), verifierKey(key))).toBeUndefined()
})

test.each(['', 'orrery', 'orrery+00000000+AAAA', 'a+b+c+d', 'orrery+zz+!!'])(
  'by a verifier key that is none (%j) nothing is verified',
  (verifier) => {
    expect(checkpointIn(note, verifier)).toBeUndefined()
  },
)
