export type Room = {
  id: number;
  name: string;
  topic: string | null;
  is_open: boolean;
};

export type Message = {
  id: number;
  room_id: number;
  author: string;
  body: string;
  kind: 'text' | 'image' | 'system';
  created_at: string;
  updated_at: string;
};

export type Member = {
  room_id: number;
  user_id: string;
  role: 'owner' | 'moderator' | 'member';
};

export type Profile = {
  id: string;
  name: string;
};

export type Notification = {
  id: number;
  text: string;
  is_read: boolean;
};

export type Activity = {
  id: number;
  room_id: number;
  body: string;
};
