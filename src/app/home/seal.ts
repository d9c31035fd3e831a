import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Problem } from '#base/problem'
import type { Seal } from '#webhooks'
import { keepNewKey } from './keys.ts'

const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Seals secrets with the key in `secrets.key`; made at the first start, readable by its owner only. */
export async function openSeal(folder: string): Promise<Seal> {
  const path = pathIn(folder)
  const key = await keyAt(path)
  return {
    seal: (text, context) => {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context))
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64')
    },
    open: (text, context) => {
      try {
        const bytes = Buffer.from(text, 'base64')
        const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES)
        const cipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES))
        cipher.setAAD(Buffer.from(context)).setAuthTag(tag)
        const sealed = bytes.subarray(NONCE_BYTES + TAG_BYTES)
        return Buffer.concat([cipher.update(sealed), cipher.final()]).toString()
      } catch {
        throw new Problem(
          'conflict',
          `a secret cannot be opened with ${path}; restore that file from a backup, or rotate the secret`,
        )
      }
    },
  }
}

/** By what the key can be known that tells nothing of it; undefined when there is none yet. */
export async function sealFingerprint(folder: string): Promise<string | undefined> {
  const key = await findKey(pathIn(folder))
  return key && createHash('sha256').update('orrery secrets').update(key).digest('hex')
}

function pathIn(folder: string): string {
  return join(folder, 'secrets.key')
}

async function keyAt(path: string): Promise<Buffer> {
  const kept = await findKey(path)
  if (kept !== undefined) return kept
  const made = await keepNewKey(path, `${randomBytes(KEY_BYTES).toString('hex')}\n`)
  return Buffer.from(made.trim(), 'hex')
}

async function findKey(path: string): Promise<Buffer | undefined> {
  const kept = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (kept === undefined) return undefined
  const key = Buffer.from(kept.trim(), 'hex')
  if (key.length === KEY_BYTES) return key
  throw new Problem('conflict', `${path} is not a key; restore it from a backup`)
}
