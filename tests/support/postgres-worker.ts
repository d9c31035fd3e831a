import { inject } from 'vitest'

process.env['ORRERY_TEST_POSTGRES'] = inject('postgres')
