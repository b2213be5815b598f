import { Socket, Presence } from 'phoenix'
import { BehaviorSubject, interval } from 'rxjs'

const socket = new Socket('/socket', { params: { token: window.userToken } })
socket.connect()

const channel = socket.channel('room:lobby', {})
const presence = new Presence(channel)
presence.onSync(() => document.querySelector('#people').replaceChildren(...presence.list((id) => id)))

channel.on('new_msg', (payload) => console.log(payload.body))
channel.join().receive('error', (reason) => console.error(reason))

const people = new BehaviorSubject(0)
people.subscribe()
interval(50).subscribe((n) => channel.push('tick', { n }))
