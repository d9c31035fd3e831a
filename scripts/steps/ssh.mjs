import { existsSync } from 'node:fs'
import { withLock } from './lock.mjs'
import { installSystemPackages } from './system.mjs'

/** Sees to the SSH server that remotes are tested against. */
export async function testSshServer() {
  if (existsSync('/usr/sbin/sshd')) return
  await withLock('ssh', () =>
    installSystemPackages(['openssh-server', 'openssh-client'], {
      why: 'the tests of remotes over SSH need /usr/sbin/sshd, which is not there',
    }),
  )
}
