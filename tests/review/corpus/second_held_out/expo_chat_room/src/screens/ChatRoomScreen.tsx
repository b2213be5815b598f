import { useEffect, useRef, useState } from 'react';
import { FlatList, KeyboardAvoidingView, Text, TextInput, View } from 'react-native';
import type { NativeStackScreenProps } from '@react-navigation/native-stack';
import { supabase } from '../lib/supabase';
import { useSession } from '../context/SessionContext';
import type { RootStackParamList } from '../navigation';

type Message = { id: string; room_id: string; sender_id: string; text: string };

export default function ChatRoomScreen({
  route,
}: NativeStackScreenProps<RootStackParamList, 'ChatRoom'>) {
  const { roomId } = route.params;
  const { session } = useSession();
  const userId = session!.user.id;
  const listRef = useRef<FlatList<Message>>(null);
  const [messages, setMessages] = useState<Message[]>([]);
  const [draft, setDraft] = useState('');
  const [ready, setReady] = useState(false);

  useEffect(() => {
    supabase
      .from('messages')
      .select('*')
      .eq('room_id', roomId)
      .order('created_at')
      .then(({ data }) => setMessages(data ?? []));
  }, [roomId]);

  useEffect(() => {
    const channel = supabase
      .channel(`chat-${roomId}`)
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'messages', filter: `room_id=eq.${roomId}` },
        (payload) => {
          // our own messages are already on the screen
          if (payload.new.sender_id === userId) return;
          setMessages((prev) => [...prev, payload.new as Message]);
          listRef.current?.scrollToEnd({ animated: true });
        },
      )
      .subscribe((status) => {
        if (status === 'SUBSCRIBED') {
          setReady(true);
        }
      });

    return () => {
      supabase.removeChannel(channel);
    };
  }, [roomId, userId]);

  const send = async () => {
    const text = draft.trim();
    if (!text) return;
    setDraft('');
    const { data, error } = await supabase
      .from('messages')
      .insert({ room_id: roomId, sender_id: userId, text })
      .select()
      .single();
    if (error) console.warn(error.message);
    else setMessages((prev) => [...prev, data]);
  };

  return (
    <KeyboardAvoidingView style={{ flex: 1 }} behavior="padding">
      {!ready && <Text>Connecting…</Text>}
      <FlatList
        ref={listRef}
        data={messages}
        keyExtractor={(m) => m.id}
        renderItem={({ item }) => (
          <View>
            <Text>{item.text}</Text>
          </View>
        )}
      />
      <TextInput value={draft} onChangeText={setDraft} onSubmitEditing={send} />
    </KeyboardAvoidingView>
  );
}
