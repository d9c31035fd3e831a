import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Problem } from '#base/problem'
import type { Seal } from '#webhooks'

const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Seals secrets with the key in `<home>/keys/secrets.key`; made at the first start, readable by its owner only. */
export async function openSeal(home: string): Promise<Seal> {
  const path = join(home, 'keys', 'secrets.key')
  const key = (await findKey(path)) ?? (await newKey(path))
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

async function newKey(path: string): Promise<Buffer> {
  const key = randomBytes(KEY_BYTES)
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  // The file appears whole: half a key would open nothing.
  const file = await open(`${path}.half`, 'w', 0o600)
  await file.writeFile(`${key.toString('hex')}\n`)
  await file.sync()
  await file.close()
  await rename(`${path}.half`, path)
  return key
}
