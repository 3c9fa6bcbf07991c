import { describe, expect, it } from 'vitest';
import { Room, Rooms } from './room.ts';

describe('Room', () => {
  it('gives the same memory again while it is large enough', () => {
    const room = new Room();
    const first = room.take(100);
    const { buffer } = first;
    expect(first.length).toBe(100);
    expect(room.take(40).buffer).toBe(buffer);
    expect(room.take(40)).toHaveLength(40);
    expect(room.take(101).buffer).not.toBe(buffer);
    expect(room.take(101)).toHaveLength(101);
  });

  it('can be taken from after it was freed', () => {
    const room = new Room();
    room.take(10).fill(7);
    room.free();
    expect([...room.take(3)]).toEqual([0, 0, 0]);
  });
});

describe('Rooms', () => {
  it('keeps a room for each name', () => {
    const rooms = new Rooms();
    expect(rooms.of('a')).toBe(rooms.of('a'));
    expect(rooms.of('a')).not.toBe(rooms.of('b'));
  });
});
