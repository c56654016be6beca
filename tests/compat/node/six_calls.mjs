// Makes calls with the unmodified @segment/analytics-node and ends when they are all sent or given up.
// node six_calls.mjs '{"host": "http://127.0.0.1:1", "writeKey": "k", "prefix": "p", "tracks": 3, ...settings}'
import { Analytics } from '@segment/analytics-node'

const { prefix, tracks = 0, ...settings } = JSON.parse(process.argv[2])
const analytics = new Analytics(settings)
const errors = []
analytics.on('error', (error) => errors.push(String(error.reason ?? error.code ?? error)))

const userId = `${prefix}-user`
analytics.identify({ userId, traits: { email: 'ada@shop.test', plan: null } })
analytics.track({ userId, event: 'Order Completed', properties: { total: 12.5, city: 'Århus', items: [{ sku: 'a' }] } })
analytics.page({ userId, category: 'Docs', name: 'Start', properties: { url: 'https://shop.test/' } })
analytics.screen({ anonymousId: `${prefix}-anonymous`, name: 'Home' })
analytics.group({ userId, groupId: 'g1', traits: { seats: 5 } })
analytics.alias({ userId, previousId: `${prefix}-anonymous` })
for (let n = 0; n < tracks; n++) analytics.track({ userId, event: 'Counted', properties: { n } })

await analytics.closeAndFlush({ timeout: 60000 })
console.log(JSON.stringify({ errors }))
