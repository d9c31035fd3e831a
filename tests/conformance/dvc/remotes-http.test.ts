import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { emptied, exchanged, isClean, projectWith, setRemote, startWeb } from './remotes-support.ts'
import { ours, pythonBin } from './support.ts'

let web: Awaited<ReturnType<typeof startWeb>>
let guarded: Awaited<ReturnType<typeof startWeb>>

beforeAll(async () => {
  web = await startWeb()
  guarded = await startWeb({ user: 'ada', password: 'p w' })
})

afterAll(async () => {
  await web.stop()
  await guarded.stop()
})

test('dvc and orrery share data over a web server, with a login and without', async () => {
  const login = { auth: 'basic', user: 'ada', password: 'p w' }
  const first = { url: `${web.url}/a b` }
  const second = { url: `${guarded.url}/x`, method: 'PUT', ...login }
  expect(await exchanged({ first, second })).toEqual([])
})

test('dvc and orrery share data over TLS: what the remote says is believed, and nothing else', async () => {
  const [own, other] = [certificate(), certificate()]
  const safe = await startWeb(undefined, own)
  try {
    const remote = (verify: string) => ({
      url: `${safe.url}/x${verify.length}`,
      ssl_verify: verify,
    })
    expect(
      await exchanged({ first: remote(join(own, 'cert.pem')), second: remote('false') }),
    ).toEqual([])
    const box = projectWith(remote(join(other, 'cert.pem')))
    for (const verify of [join(other, 'cert.pem'), 'true']) {
      setRemote(box, remote(verify))
      // oxlint-disable-next-line no-await-in-loop -- one remote after the other
      await expect(ours(box).data.push()).rejects.toThrow(/is not believed .*; set ssl_verify/)
    }
    box.remove()
  } finally {
    await safe.stop()
    for (const folder of [own, other]) rmSync(folder, { recursive: true })
  }
})

/** Puts and gets a file as requests does, by digest: whether the server takes what other clients send. */
const BY_DIGEST = `
import sys, requests
from requests.auth import HTTPDigestAuth
url, user, password = sys.argv[1:]
login = HTTPDigestAuth(user, password)
for number in range(5):
    assert requests.put(f'{url}/r/{number}', data=b'x' * 100_000, auth=login).status_code == 201
    assert requests.get(f'{url}/r/{number}', auth=login).content == b'x' * 100_000
assert requests.get(f'{url}/r/0', auth=HTTPDigestAuth(user, 'other')).status_code == 401
`

// dvc knows the word digest and has no such login, so another client says whether the server is right.
test.each(['MD5', 'SHA-256'])('data is shared by a login by digest (%s)', async (algorithm) => {
  const login = { user: 'ada', password: 'p "w' }
  const safe = await startWeb(login, undefined, algorithm)
  const box = projectWith({ url: `${safe.url}/a b`, auth: 'digest', ...login })
  try {
    execFileSync(join(pythonBin(), 'python'), [
      '-c',
      BY_DIGEST,
      safe.url,
      login.user,
      login.password,
    ])
    const before = box.tree('data')
    expect(await ours(box).data.push()).toEqual({ objects: 5, failed: [] })
    expect(await ours(box).data.push()).toEqual({ objects: 0, failed: [] })
    emptied(box)
    expect((await ours(box).data.pull()).fetched).toEqual({ objects: 5, failed: [] })
    expect(box.tree('data')).toEqual(before)
    setRemote(box, { url: safe.url, auth: 'digest', user: 'ada', password: 'other' })
    await expect(ours(box).data.push()).rejects.toThrow(/401: it wants another login/)
  } finally {
    box.remove()
    await safe.stop()
  }
})

test('a web server that has other bytes, wants a login or is away is told, and nothing wrong gets into the cache', async () => {
  const box = projectWith({ url: `${web.url}/lies` })
  try {
    await ours(box).data.push()
    const folder = join(web.folder, 'lies/files/md5')
    const object = (start: string) => {
      const name = readdirSync(folder, { recursive: true })
        .map(String)
        .find((path) => path.replace('/', '').startsWith(start))
      return join(folder, name ?? '')
    }
    // The MD5 of `one\n`.
    writeFileSync(object('5bbf5a52328e7439ae6e719dfe712200'), 'two\n')
    emptied(box)
    const { fetched } = await ours(box).data.pull()
    expect(fetched.failed).toEqual([
      {
        path: 'data',
        reason: expect.stringContaining(
          '5bbf5a52328e7439ae6e719dfe712200 on the remote it is damaged',
        ) as string,
      },
    ])
    expect(await isClean(box)).toBe(true)
    setRemote(box, { url: guarded.url })
    await expect(ours(box).data.push()).rejects.toThrow(/401: it wants another login/)
    setRemote(box, { url: 'http://127.0.0.1:9/nobody' })
    await expect(ours(box).data.push()).rejects.toThrow(/cannot be reached/)
  } finally {
    box.remove()
  }
})

/** A new key for 127.0.0.1, and its certificate, which it has signed itself. */
function certificate(): string {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-tls-'))
  execFileSync(join(pythonBin(), 'python'), ['-c', MAKE_CERTIFICATE, folder])
  return folder
}

const MAKE_CERTIFICATE = `
import datetime, ipaddress, pathlib, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

folder = pathlib.Path(sys.argv[1])
key = ec.generate_private_key(ec.SECP256R1())
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
now = datetime.datetime.now(datetime.timezone.utc)
day = datetime.timedelta(days=1)
address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
made = (
    x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    .serial_number(x509.random_serial_number()).not_valid_before(now - day).not_valid_after(now + day)
    .add_extension(address, False).add_extension(x509.BasicConstraints(True, None), True).sign(key, hashes.SHA256())
)
(folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
plain = serialization.NoEncryption()
(folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
`
