import 'package:flutter/material.dart';
import 'package:supabase_flutter/supabase_flutter.dart';

final supabase = Supabase.instance.client;

class ShoppingListPage extends StatefulWidget {
  const ShoppingListPage({super.key, required this.listId});

  final String listId;

  @override
  State<ShoppingListPage> createState() => _ShoppingListPageState();
}

class _ShoppingListPageState extends State<ShoppingListPage> {
  final List<String> _items = [];
  late final RealtimeChannel _channel;

  @override
  void initState() {
    super.initState();
    _channel = supabase
        .channel('shopping-list')
        .onPostgresChanges(
          event: PostgresChangeEvent.insert,
          schema: 'public',
          table: 'items',
          callback: (payload) {
            if (payload.newRecord['list_id'] != widget.listId) return;
            setState(() => _items.add(payload.newRecord['name'] as String));
          },
        )
        .subscribe();
  }

  @override
  void dispose() {
    supabase.removeChannel(_channel);
    super.dispose();
  }

  @override
  Widget build(BuildContext context) {
    return Scaffold(
      appBar: AppBar(title: const Text('Shopping list')),
      body: ListView(children: [for (final item in _items) ListTile(title: Text(item))]),
    );
  }
}
